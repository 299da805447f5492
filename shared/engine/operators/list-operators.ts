/** `hasAny`, `hasAll`, `hasNone`, `sizeEq`, `sizeGt` and `sizeLt`, over lists. Lists and objects in them equal nothing. */
import { foldedOf, readAttribute, type Run } from '../attribute.ts'
import { readMembers, type LeafScope, type Test } from './leaf.ts'
import type { Json } from '../model.ts'
import { readNumber } from '../shape.ts'

type List = readonly (Json | undefined)[]
type Members = ReadonlySet<Json | undefined>

export function compileHasAny(scope: LeafScope): Test {
  return compileMembers(scope, hasAny)
}

export function compileHasAll(scope: LeafScope): Test {
  return compileMembers(scope, hasAll)
}

export function compileHasNone(scope: LeafScope): Test {
  return compileMembers({ ...scope, wanted: !scope.wanted }, hasAny)
}

export function compileSizeEq(scope: LeafScope): Test {
  return compileSize(scope, (size, operand) => size === operand)
}

export function compileSizeGt(scope: LeafScope): Test {
  return compileSize(scope, (size, operand) => size > operand)
}

export function compileSizeLt(scope: LeafScope): Test {
  return compileSize(scope, (size, operand) => size < operand)
}

function compileMembers(scope: LeafScope, holds: (list: List, members: Members) => boolean): Test {
  const { leaf, attribute, wanted } = scope
  const { members, isFolding } = readMembers(leaf)
  const read = isFolding ? foldedOf : readAttribute
  return (run: Run) => {
    const value = read(attribute, run)
    return Array.isArray(value) && holds(value, members) === wanted
  }
}

function compileSize(scope: LeafScope, holds: (size: number, operand: number) => boolean): Test {
  const { leaf, attribute, wanted } = scope
  const operand = readNumber(leaf['value'], `the operand of ${String(leaf['op'])}`)
  return (run: Run) => {
    const value = readAttribute(attribute, run)
    return Array.isArray(value) && holds(value.length, operand) === wanted
  }
}

function hasAny(list: List, members: Members): boolean {
  for (const item of list) if (members.has(item)) return true
  return false
}

function hasAll(list: List, members: Members): boolean {
  // A shorter list cannot hold them all: it also keeps the search short.
  if (list.length < members.size) return false
  for (const member of members) if (!list.includes(member)) return false
  return true
}
