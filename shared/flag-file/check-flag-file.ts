/** What a server refuses of a file's content beyond its schema. Pure. */
import { nothingSpent, type Spent } from '../checks/condition-errors.ts'
import { definitionErrors } from '../checks/definition-errors.ts'
import { patternsIn, sumPatternSizes } from '../checks/pattern-sizes.ts'
import {
  flagReferences,
  nodeName,
  referenceFaults,
  segmentReferences,
  type Node,
} from '../checks/references.ts'
import { segmentErrors } from '../checks/segment-rules.ts'
import { ruleErrors, stateErrors } from '../checks/state-errors.ts'
import { nothingCompiled } from '../checks/value-schema-form.ts'
import { pointerOf, type WrongField } from '../checks/wrong-field.ts'
import { limits } from '../contract/limits.ts'
import { snapshotSizeMax } from '../protocol/head.ts'
import { compileFlagFile } from './compile-flag-file.ts'
import type { FileFlag, FlagFile } from './flag-file.ts'
import { environmentsOf, resolve, stateIn, valueTypeOf, variantsOf, type ResolvedFile } from './resolve.ts'

const faultsMax = 100

/**
 * Everything that is wrong with a file of the right form, in all of its environments: values of another type than their
 * flag, names of what is not there, circles, patterns that RE2 does not take, limits. Pointers are into the file.
 */
export function checkFlagFile(file: FlagFile): WrongField[] {
  const faults = [
    ...repeatedKeys(file),
    ...definitionFaults(file),
    ...[undefined, ...environmentsOf(file)].flatMap((environment) => environmentFaults(file, environment)),
  ]
  // What holds in all environments is found in each.
  const byText = new Map(faults.map((fault) => [`${fault.pointer}\n${fault.detail}`, fault]))
  return [...byText.values()].slice(0, faultsMax)
}

function repeatedKeys({ flags, segments = {}, layers = {} }: FlagFile): WrongField[] {
  return Object.entries({ flags, segments, layers }).flatMap(([kind, things]) => {
    const first = new Map<string, string>()
    return Object.keys(things).flatMap((key): WrongField[] => {
      const other = first.get(key.toLowerCase())
      first.set(key.toLowerCase(), key)
      if (other === undefined) return []
      return [
        { pointer: pointerOf([kind, key]), detail: `there is "${other}": keys differ not only by case` },
      ]
    })
  })
}

function definitionFaults({ flags }: FlagFile): WrongField[] {
  const compiled = nothingCompiled()
  return Object.entries(flags).flatMap(([key, flag]) => {
    const variants = variantsOf(flag)
    const at = pointerOf(['flags', key])
    const { onExpiry, schema = null } = flag
    const expiryVariant = onExpiry === undefined || onExpiry === 'keep' ? null : onExpiry.variant
    const valueType = valueTypeOf(flag)
    const count = variantCountFault(valueType, variants.length, at)
    if (count) return [count]
    const faults = definitionErrors({ valueType, variants, expiryVariant, valueSchema: schema }, '', compiled)
    return faults.map((fault) => ({ ...fault, pointer: at + byVariant(fault.pointer, variants) }))
  })
}

function variantCountFault(valueType: string, count: number, at: string): WrongField | null {
  const pointer = `${at}/variants`
  if (count === 0) return { pointer, detail: `a ${valueType} flag needs its variants: {"KEY": VALUE, …}` }
  if (count <= limits.variants) return null
  return { pointer, detail: `there are ${count}; at most ${limits.variants} are allowed` }
}

/** A server has variants as a list, a file by their keys. */
function byVariant(pointer: string, variants: readonly { readonly key: string }[]): string {
  return pointer.replace(
    /^\/variants\/(\d+)\/value/,
    (_, index: string) => `/variants${pointerOf([variants[Number(index)]?.key ?? ''])}`,
  )
}

function environmentFaults(file: FlagFile, environment: string | undefined): WrongField[] {
  const resolved = resolve(file, environment)
  const spent = nothingSpent()
  return [
    ...flagFaults(file, { environment, resolved, spent }),
    ...segmentFaults(file, { environment, resolved }),
    ...brokenReferences(file, { environment, resolved }),
    ...limitFaults(resolved, environment),
  ]
}

interface InEnvironment {
  readonly environment: string | undefined
  readonly resolved: ResolvedFile
}

function flagFaults(file: FlagFile, { environment, resolved, spent }: InEnvironment & { spent: Spent }) {
  const withVariants = resolved.flags.filter(({ variants }) => variants.length > 0) // of the others that is said
  return withVariants.flatMap((flag) =>
    [...stateErrors(flag.state, flag, ''), ...ruleErrors(flag.state, '', spent)].map((fault) =>
      placed(file, { kind: 'flag', key: flag.key, environment }, fault),
    ),
  )
}

function segmentFaults(file: FlagFile, { environment, resolved }: InEnvironment): WrongField[] {
  return resolved.segments.flatMap(({ key, state }) => {
    return segmentErrors(state, '').map((fault) => placed(file, { kind: 'segment', key, environment }, fault))
  })
}

function brokenReferences(file: FlagFile, { environment, resolved }: InEnvironment): WrongField[] {
  const nodes = nodesOf(resolved)
  const world = new Map(nodes.map((node) => [nodeName(node), node]))
  return referenceFaults(world, nodes).map(({ node, ...fault }) =>
    placed(file, { ...node, environment }, fault),
  )
}

function nodesOf({ flags, segments, layers }: ResolvedFile): Node[] {
  const isLive = true
  return [
    ...flags.map(({ key, variants, state }): Node => {
      const parts = variants.map((variant) => variant.key)
      return { kind: 'flag', key, isLive, parts, references: flagReferences(state) }
    }),
    ...segments.map(({ key, state }): Node => {
      return { kind: 'segment', key, isLive, parts: [], references: segmentReferences(state) }
    }),
    ...layers.map(({ key, slots }): Node => {
      const parts = slots.map(({ name }) => name)
      return { kind: 'layer', key, isLive, parts, references: [] }
    }),
  ]
}

interface Owner {
  readonly kind: Node['kind']
  readonly key: string
  readonly environment: string | undefined
}

/** A fault in a state, with the pointer of what the file says of it. */
function placed(file: FlagFile, { kind, key, environment }: Owner, fault: WrongField): WrongField {
  const at = pointerOf([`${kind}s`, key])
  if (kind === 'layer') return { ...fault, pointer: at + fault.pointer }
  const thing = kind === 'flag' ? file.flags[key] : file.segments?.[key]
  const [, field = '', ...rest] = fault.pointer.split('/')
  const own = thing && stateIn<object>(thing, environment)
  const inner = ['', ...rest].join('/')
  const candidates = [
    { state: own, base: at + pointerOf(['environments', environment ?? '']) },
    { state: thing, base: at },
  ]
  for (const { state, base } of candidates) {
    if (state && Object.hasOwn(state, field)) return { ...fault, pointer: `${base}/${field}${inner}` }
    if (field === 'fallthrough' && hasVariant(state)) return { ...fault, pointer: `${base}/variant` }
  }
  return { ...fault, pointer: at }
}

function hasVariant(state: object | undefined): boolean {
  return state !== undefined && (state as Pick<FileFlag, 'variant'>).variant !== undefined
}

function limitFaults(resolved: ResolvedFile, environment: string | undefined): WrongField[] {
  const { flags, segments, layers } = resolved
  const conditions = [
    ...flags.flatMap(({ state }) => state.rules.map(({ when }) => when)),
    ...segments.flatMap(({ state }) => (state.when ? [state.when] : [])),
  ]
  const patterns = conditions.flatMap(patternsIn)
  const size = new TextEncoder().encode(compileFlagFile(resolved)).length
  const held: readonly (readonly [string, string, number, number])[] = [
    ['/flags', 'flags', flags.length, limits.flagsPerEnvironment],
    ['/segments', 'segments', segments.length, limits.segmentsPerEnvironment],
    ['/layers', 'layers', layers.length, limits.layersPerProject],
    ['', 'patterns (matches)', patterns.length, limits.patternsPerEnvironment],
    [
      '',
      'instructions in patterns (matches)',
      sumPatternSizes(patterns),
      limits.patternInstructionsPerEnvironment,
    ],
    ['', 'bytes as a snapshot', size, snapshotSizeMax],
  ]
  const where = environment === undefined ? '' : ` in ${environment}`
  return held
    .filter(([, , found, max]) => found > max)
    .map(([pointer, what, found, max]) => ({
      pointer,
      detail: `there are ${found} ${what}${where}; at most ${max} are allowed`,
    }))
}
