/** A file, the project that it is for, and what lies between them. */
import { pointerOf } from '@halyard/shared/checks/wrong-field.ts'
import { checkFlagFile } from '@halyard/shared/flag-file/check-flag-file.ts'
import { locateFault } from '@halyard/shared/flag-file/file-fault.ts'
import { FlagFile } from '@halyard/shared/flag-file/flag-file.ts'
import type { Environment } from '@halyard/shared/contract/resources.ts'
import type { ApiClient } from '../api-client.ts'
import { usageError } from '../command-error.ts'
import { clientOf, projectOf, type Project } from '../place.ts'
import type { Settings } from '../settings.ts'
import type { Content } from './content.ts'
import { makePlan, type Plan } from './plan.ts'
import { chooseEnvironments, readContent, readEnvironments } from './read-content.ts'
import { faultsIn, readFlagFileAt } from './read-flag-file.ts'
import { toFlagFile } from './to-file.ts'
import { impossible, keptAsTheyAre, wantedContent } from './wanted.ts'

export interface Prepared {
  readonly client: ApiClient
  readonly project: Project
  /** All live ones: a definition reaches those too that the plan's states do not. */
  readonly environments: readonly Environment[]
  readonly plan: Plan
  /** What the file says and no write brings about. */
  readonly notes: readonly string[]
}

/** Plans what it takes to bring a file about. A usage error says what the server would refuse of it. */
export async function prepareFile(
  file: string,
  { prune }: { readonly prune: boolean },
  settings: Settings,
): Promise<Prepared> {
  if (prune && settings.environments.length > 0)
    throw usageError('--prune archives in every environment: leave out --env')
  const parsed = readFlagFileAt(file)
  const client = clientOf(settings)
  const project = projectOf(settings)
  const live = await readEnvironments(client, project)
  const names = chooseEnvironments(live, settings.environments).map(({ key }) => key)
  if (settings.environments.length === 0) refuseUnknown(file, parsed, names)
  const present = await readContent(client, project, names)
  const wanted = wantedContent(parsed.file, names, present)
  const faults = [
    ...impossible(wanted, present),
    ...checkFlagFile(prune ? parsed.file : withTheRest(parsed.file, present)),
  ]
  if (faults.length > 0)
    throw faultsIn(
      file,
      faults.map((fault) => locateFault(fault, parsed.locate)),
    )
  const elsewhere = live.map(({ key }) => key).filter((key) => !names.includes(key))
  const plan = makePlan(present, wanted, { prune, elsewhere })
  return { client, project, environments: live, plan, notes: keptAsTheyAre(wanted, present) }
}

type Parsed = ReturnType<typeof readFlagFileAt>

/** A file that is for other environments than there are is for another project, or misspelt. */
function refuseUnknown(file: string, { file: content, locate }: Parsed, names: readonly string[]): void {
  const things = { flags: content.flags, segments: content.segments ?? {} }
  const faults = Object.entries(things).flatMap(([kind, all]) =>
    Object.entries(all).flatMap(([key, { environments = {} }]) =>
      Object.keys(environments)
        .filter((name) => !names.includes(name))
        .map((name) => {
          const pointer = pointerOf([kind, key, 'environments', name])
          return locateFault(
            { pointer, detail: `there is no such environment; there is ${names.join(', ')}` },
            locate,
          )
        }),
    ),
  )
  if (faults.length > 0) throw faultsIn(file, faults)
}

/** A file may refer to what is there and not in it: together they have to hold. */
function withTheRest(file: FlagFile, present: Content): FlagFile {
  const rest = FlagFile.parse(toFlagFile(present))
  return {
    flags: { ...rest.flags, ...file.flags },
    segments: { ...rest.segments, ...file.segments },
    layers: { ...rest.layers, ...file.layers },
  }
}
