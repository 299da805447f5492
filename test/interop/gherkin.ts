/**
 * `node --experimental-eventsource test/interop/gherkin.ts`: runs OpenFeature's own suites against both providers, over a real edge. Their texts
 * are not kept here: OPENFEATURE_GHERKIN names a folder that holds them (specification/assets/gherkin of
 * open-feature/spec).
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AstBuilder, compile, GherkinClassicTokenMatcher, Parser } from '@cucumber/gherkin'
import { IdGenerator, type Pickle } from '@cucumber/messages'
import { startBareStack } from '../../dev/bare-stack.ts'
import { buildWorkers } from '../../dev/build-workers.ts'
import { failWith, fault } from '../../dev/fault.ts'
import { changeFlag, publishSuiteFlags, type Side } from '../openfeature-kit.ts'
import { makeServerSide } from '../openfeature-server-side.ts'
import { makeWebSide } from '../openfeature-web-side.ts'
import { runStep } from './gherkin-steps.ts'
import { makeScenarioWorld, NotApplicable } from './gherkin-world.ts'

export interface Scenario {
  readonly suite: string
  readonly name: string
  readonly steps: readonly Step[]
}

export interface Step {
  readonly text: string
  readonly table: readonly (readonly string[])[]
}

interface Row {
  readonly scenario: Scenario
  readonly outcome: 'passed' | 'FAILED' | 'not applicable'
  readonly detail: string
}

await main(process.env['OPENFEATURE_GHERKIN']).catch(failWith)

async function main(folder: string | undefined): Promise<void> {
  if (folder === undefined)
    return console.log(
      "skipped: OpenFeature's suites need OPENFEATURE_GHERKIN, the folder that holds their texts",
    )
  if (typeof EventSource === 'undefined')
    throw fault('A browser has EventSource, and this Node has not', 'node --experimental-eventsource …')
  const scenarios = readScenarios(folder)
  await using resources = new AsyncDisposableStack()
  const place = mkdtempSync(join(tmpdir(), 'halyard-gherkin-'))
  resources.defer(() => rmSync(place, { recursive: true, force: true }))
  await buildWorkers(join(place, 'built'))
  const stack = await startBareStack({ stateDir: join(place, 'state'), built: join(place, 'built') })
  resources.defer(stack.stop)
  const source = await publishSuiteFlags(stack)
  for (const makeSide of [makeServerSide, makeWebSide]) {
    const side = await makeSide(source) // oxlint-disable-line no-await-in-loop -- one after another
    const rows = await runScenarios(scenarios, side, () => changeFlag(stack)) // oxlint-disable-line no-await-in-loop
    await side.leave() // oxlint-disable-line no-await-in-loop
    print(side.kind, rows)
  }
}

/** The scenarios of a folder of `.feature` files, outlines taken apart. */
function readScenarios(folder: string): readonly Scenario[] {
  const names = readdirSync(folder).filter((name) => name.endsWith('.feature'))
  if (names.length === 0) throw new Error(`${folder} holds no .feature file`)
  return names.toSorted().flatMap((name) => {
    const newId = IdGenerator.incrementing()
    const parser = new Parser(new AstBuilder(newId), new GherkinClassicTokenMatcher())
    const document = parser.parse(readFileSync(join(folder, name), 'utf8'))
    return compile(document, name, newId).map((pickle) => toScenario(name, pickle))
  })
}

function toScenario(suite: string, { name, steps }: Pickle): Scenario {
  return {
    suite,
    name,
    steps: steps.map(({ text, argument }) => ({
      text,
      table: (argument?.dataTable?.rows ?? []).map(({ cells }) => cells.map(({ value }) => value)),
    })),
  }
}

async function runScenarios(
  scenarios: readonly Scenario[],
  side: Side,
  change: () => Promise<void>,
): Promise<readonly Row[]> {
  const rows: Row[] = []
  for (const scenario of scenarios) {
    rows.push(await runScenario(scenario, side, change)) // oxlint-disable-line no-await-in-loop -- they share an SDK
  }
  return rows
}

async function runScenario(scenario: Scenario, side: Side, change: () => Promise<void>): Promise<Row> {
  const world = makeScenarioWorld(side, change)
  try {
    for (const step of scenario.steps) await runStep(world, step) // oxlint-disable-line no-await-in-loop
    return { scenario, outcome: 'passed', detail: '' }
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error)
    return { scenario, outcome: error instanceof NotApplicable ? 'not applicable' : 'FAILED', detail }
  }
}

function print(side: Side['kind'], rows: readonly Row[]): void {
  const told = rows
    .filter(({ outcome }) => outcome !== 'passed')
    .map(
      ({ scenario, outcome, detail }) =>
        `${side}: ${outcome}: ${scenario.suite}: ${scenario.name}: ${detail.split('\n')[0]}`,
    )
  for (const line of new Set(told)) {
    const times = told.filter((each) => each === line).length
    console.log(times > 1 ? `${line} (${times} times)` : line)
  }
  for (const suite of new Set(rows.map(({ scenario }) => scenario.suite))) {
    const of = rows.filter(({ scenario }) => scenario.suite === suite)
    const count = (outcome: Row['outcome']) => of.filter((row) => row.outcome === outcome).length
    const counts = `${count('passed')} passed, ${count('FAILED')} failed, ${count('not applicable')} not applicable`
    console.log(`${side}: ${suite}: ${counts}`)
    if (count('FAILED') > 0) process.exitCode = 1
  }
}
