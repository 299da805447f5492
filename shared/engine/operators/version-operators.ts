/** `semverEq` to `semverRange`. A text that is no version is of the wrong type. */
import { versionOf } from '../attribute.ts'
import type { LeafScope, Test } from './leaf.ts'
import { compareVersions, makeVersion, readVersion, type Version } from './semver.ts'
import { isInRange, parseRange } from './semver-range.ts'
import { readText, refuse, type Shape } from '../shape.ts'

/** The versions that match: those below, equal to and above the operand. */
interface Accepted {
  readonly below?: true
  readonly same?: true
  readonly above?: true
}

export function compileSemverEq(scope: LeafScope): Test {
  return compileOrder(scope, { same: true })
}

export function compileSemverGt(scope: LeafScope): Test {
  return compileOrder(scope, { above: true })
}

export function compileSemverGte(scope: LeafScope): Test {
  return compileOrder(scope, { same: true, above: true })
}

export function compileSemverLt(scope: LeafScope): Test {
  return compileOrder(scope, { below: true })
}

export function compileSemverLte(scope: LeafScope): Test {
  return compileOrder(scope, { below: true, same: true })
}

export function compileSemverRange({ leaf, attribute, wanted }: LeafScope): Test {
  const range = parseRange(readText(leaf['value'], 'the range of semverRange'))
  return (run) => {
    const version = versionOf(attribute, run)
    return version.isValid && isInRange(version, range) === wanted
  }
}

function compileOrder({ leaf, attribute, wanted }: LeafScope, accepted: Accepted): Test {
  const operand = readOperand(leaf)
  const below = (accepted.below ?? false) === wanted
  const same = (accepted.same ?? false) === wanted
  const above = (accepted.above ?? false) === wanted
  return (run) => {
    const version = versionOf(attribute, run)
    if (!version.isValid) return false
    const order = compareVersions(version, operand)
    return order < 0 ? below : order > 0 ? above : same
  }
}

function readOperand(leaf: Shape): Version {
  const text = readText(leaf['value'], `the operand of ${String(leaf['op'])}`)
  const version = makeVersion()
  readVersion(version, text)
  return version.isValid
    ? version
    : refuse(`"${text}" is no version, such as 2.4.0 or 2.4.0-beta.1, with numbers up to 2^53 - 1`)
}
