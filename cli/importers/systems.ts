/** The systems whose flags can be imported: a new one is its importer, and an entry here. */
import type { Importer } from './importer.ts'

export interface System {
  readonly name: string
  /** The file that it takes, in words. */
  readonly what: string
  /** Its own options, as the command line has them: each a switch. */
  readonly options: readonly (readonly [option: string, does: string])[]
  /** Loads the importer; `chosen` says of each option, in camel case, whether it was given. */
  readonly load: (chosen: (option: string) => boolean) => Promise<Importer>
}

export const systems: readonly System[] = [
  {
    name: 'flagd',
    what: 'a flag file of flagd, JSON or YAML',
    options: [
      ['--typed', 'take attributes to arrive in the type that they are compared with, or not at all'],
      ['--rebucket', 'turn fractional into splits, by which users move between variants'],
    ],
    load: async (chosen) => {
      const { makeFlagdImporter } = await import('./flagd.ts')
      return makeFlagdImporter({ isTyped: chosen('typed'), mayRebucket: chosen('rebucket') })
    },
  },
]
