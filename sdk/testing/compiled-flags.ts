import { flagReferences, segmentReferences } from '@halyard/shared/checks/references.ts'
import { compileFlagFile } from '@halyard/shared/flag-file/compile-flag-file.ts'
import { resolve } from '@halyard/shared/flag-file/resolve.ts'
import { readObject, type FlagFileInput } from '../local/read-object.ts'
import type { FlagDefinition } from './value-flag.ts'

/** Flags with the body of their snapshot. */
export interface CompiledFlags {
  readonly content: FlagFileInput
  readonly body: string
  /** The keys of flags that others refer to. */
  readonly referred: ReadonlySet<string>
}

/** Throws a TypeError with everything that is wrong with the flags. */
export function compileFlags(content: FlagFileInput): CompiledFlags {
  const resolved = resolve(readObject(content))
  const { flags, segments } = resolved
  const references = [
    ...flags.flatMap(({ state }) => flagReferences(state)),
    ...segments.flatMap(({ state }) => segmentReferences(state)),
  ]
  const referred = new Set(references.filter(({ kind }) => kind === 'flag').map(({ key }) => key))
  return { content, body: compileFlagFile(resolved), referred }
}

/**
 * With a flag that refers to nothing in the place of that key. If nothing refers to the key either, the thousands of
 * others need no second look. Throws as `compileFlags`.
 */
export function putSimpleFlag(before: CompiledFlags, key: string, flag: FlagDefinition): CompiledFlags {
  const content = { ...before.content, flags: { ...before.content.flags, [key]: flag } }
  if (!Object.hasOwn(before.content.flags, key) || before.referred.has(key)) return compileFlags(content)
  const { body: line } = compileFlags({ flags: { [key]: flag } })
  const lines = before.body.split('\n').map((old) => (old.startsWith(`flag\t${key}\t`) ? line : old))
  return { ...before, content, body: lines.join('\n') }
}
