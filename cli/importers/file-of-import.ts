import { firstState } from '@halyard/shared/checks/first-state.ts'
import type { FlagContent } from '../files/content.ts'
import { toFlagFile, type FlagFileInput } from '../files/to-file.ts'
import type { PlannedFlag, ReadyFlag } from './importer.ts'

/** What is ready of an import as a file of flags: the same state in every environment. */
export function fileOfImport(planned: readonly PlannedFlag[]): FlagFileInput {
  const ready = planned.filter((flag) => flag.kind === 'ready')
  const flags = new Map(ready.map((flag) => [flag.key, contentOf(flag)]))
  const file = toFlagFile({ environments: [], flags, segments: new Map(), layers: new Map() })
  // Whoever applies it makes the seeds.
  const bare = Object.entries(file.flags).map(([key, { seed: _made, ...flag }]) => [key, flag])
  return { flags: Object.fromEntries(bare) }
}

function contentOf({ key, flag, state }: ReadyFlag): FlagContent {
  const { key: _key, ...definition } = flag
  const applied = { ...firstState(flag.variants), ...state } as ReturnType<typeof firstState> // rules get their ids when applied
  return {
    definition: {
      name: key,
      description: '',
      schema: null,
      kind: 'release',
      temporary: false,
      expiresAt: null,
      onExpiry: 'keep',
      tags: [],
      owner: '',
      ...definition,
    },
    seed: '',
    archived: false,
    states: new Map([['every', applied]]),
  }
}
