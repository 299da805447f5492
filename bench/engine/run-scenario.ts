/**
 * A program that measures one scenario in a process of its own and sends the figures to its parent:
 * `run-scenario.ts FOLDER SCENARIO check|measure NAME…`, the folder being that of the bundled engine and the names
 * those of the products. A cold scenario is run with one product each time; one that is ours alone takes no names.
 */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { checkAnswers } from './check-answers.ts'
import type * as FloorModule from './floor.ts'
import type * as HalyardModule from './halyard.ts'
import { measure, measureLoads, timeLoad, type Figure, type LoadSubject, type Subject } from './measure.ts'
import type * as OwnModule from './own-scenarios.ts'
import { peers } from './peer-list.ts'
import { makeContexts, type PlainDocument } from './plain-document.ts'
import type { Loaded, Product } from './product.ts'
import { scenarios, type Scenario } from './scenario.ts'

/** By the name of the product: `halyard`, `floor`, or a peer's. */
export type ScenarioFigures = Readonly<Record<string, Figure>>

interface Entrant {
  readonly name: string
  readonly isAsync: boolean
  readonly hasThreads: boolean
  readonly product: Product
  readonly text: string
}

type LoadedEntrant = Entrant & { readonly loaded: Loaded }

const contexts = makeContexts(64)

if (import.meta.main) {
  const [folder = '', name = '', task = '', ...names] = process.argv.slice(2)
  // Reading the real environment costs 100 ns. One peer does at each evaluation, unless a bundler has taken it out.
  process.env = { ...process.env }
  const scenario = scenarios[name]
  const figures = scenario ? await run(folder, scenario, { task, names }) : await runOwn(folder, name)
  if (process.send) process.send(figures, end)
  else end()
}

/** Some products keep timers that would hold the process. */
function end() {
  process.exit()
}

async function run(
  folder: string,
  scenario: Scenario,
  { task, names }: { task: string; names: readonly string[] },
): Promise<ScenarioFigures> {
  const document = scenario.document()
  const { halyard } = await importBuilt<typeof HalyardModule>(folder, 'halyard')
  const { floor } = await importBuilt<typeof FloorModule>(folder, 'floor')
  const own: Readonly<Record<string, Product>> = { halyard, floor }
  const entrants = await Promise.all(names.map((name) => open(name, own, document)))
  if (task === 'measure' && scenario.kind === 'load') {
    const subjects = entrants.map((entrant) => loadSubject(entrant, document))
    return scenario.isCold ? timeOnce(subjects) : Object.fromEntries(await measureLoads(subjects))
  }
  const loaded = await Promise.all(entrants.map(load))
  const right = halyard.load(halyard.write(document))
  for (const entrant of loaded) {
    await checkAnswers({ ...entrant, halyard: right }, document) // oxlint-disable-line no-await-in-loop -- one error is enough
  }
  if (task === 'check') return {}
  return Object.fromEntries(await measure(loaded.map((entrant) => subjectOf(entrant, scenario, document))))
}

async function runOwn(folder: string, name: string): Promise<ScenarioFigures> {
  const { ownScenarios, ownLoads } = await importBuilt<typeof OwnModule>(folder, 'own-scenarios')
  const scenario = ownScenarios[name]
  if (scenario) return Object.fromEntries(await measure(scenario.subjects()))
  return Object.fromEntries(await measureLoads(ownLoads[name]?.subjects() ?? []))
}

async function importBuilt<Module>(folder: string, name: string): Promise<Module> {
  return (await import(pathToFileURL(join(folder, `${name}.js`)).href)) as Module // esbuild keeps the exports
}

async function open(
  name: string,
  own: Readonly<Record<string, Product>>,
  document: PlainDocument,
): Promise<Entrant> {
  const product = own[name] ?? (await peers[name]?.open())
  if (product === undefined) throw new Error(`there is no product ${name}`)
  const { isAsync = false, hasThreads = false } = peers[name] ?? {}
  return { name, isAsync, hasThreads, product, text: product.write(document) }
}

async function load(entrant: Entrant): Promise<LoadedEntrant> {
  return { ...entrant, loaded: await entrant.product.load(entrant.text) }
}

function subjectOf(
  { name, isAsync, hasThreads, loaded }: LoadedEntrant,
  scenario: Scenario,
  document: PlainDocument,
): Subject {
  const askers = contexts.map((context) => loaded.forContext(context))
  const last = askers.length - 1 // a power of two less one
  const key = document.flags[0]?.key ?? ''
  if (scenario.kind === 'all') return { name, isAsync, hasThreads, run: (i) => askers[i & last]?.all() }
  return { name, isAsync, hasThreads, run: (i) => askers[i & last]?.one(key) }
}

function loadSubject({ name, hasThreads, product, text }: Entrant, document: PlainDocument): LoadSubject {
  const key = document.flags[5]?.key ?? ''
  const [context] = contexts
  let loaded: Loaded | null = null
  return {
    name,
    hasThreads,
    load: async () => {
      loaded = await product.load(text)
      return context && loaded.forContext(context).one(key)
    },
    close: () => loaded?.close?.(),
  }
}

async function timeOnce(subjects: readonly LoadSubject[]): Promise<ScenarioFigures> {
  const [subject] = subjects
  if (subject === undefined) throw new Error('a cold scenario needs a product')
  return { [subject.name]: { ns: await timeLoad(subject), bytes: Number.NaN } }
}
