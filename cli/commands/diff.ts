import { differences } from '../files/environments.ts'
import { chooseEnvironments, readContent, readEnvironments } from '../files/read-content.ts'
import { paint, printJson, printLine, visible } from '../output.ts'
import { clientOf, projectOf } from '../place.ts'
import type { Settings } from '../settings.ts'

export interface DiffOptions {
  readonly flag?: readonly string[]
}

/** `envs diff`: what is other in the second environment. */
export async function diffEnvironments(
  pair: readonly [string, string],
  { flag }: DiffOptions,
  settings: Settings,
): Promise<void> {
  const [from, to] = pair
  const client = clientOf(settings)
  const project = projectOf(settings)
  chooseEnvironments(await readEnvironments(client, project), pair)
  const content = await readContent(client, project, pair)
  const found = differences(content, pair, flag)
  if (settings.isJson) return printJson({ from, to, differences: found })
  if (found.length === 0) return printLine(`${from} and ${to} are the same`)
  printLine(`what is other in ${to} than in ${from}:`)
  for (const { kind, key, lines } of found) {
    printLine(paint('yellow', `~ ${kind} ${visible(key)}`))
    for (const line of lines) printLine(`    ${visible(line)}`)
  }
}
