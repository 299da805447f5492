import { fork } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import type { BareStack } from '../dev/bare-stack.ts'
import { withBareStacks } from './bare.ts'
import { median } from './engine/measure.ts'
import { callApi } from './management.ts'
import type { SdkFigures, SdkOrder } from './sdk-process.ts'
import type { StreamFigure, StreamResults } from './streams.ts'

const shop = '/orgs/demo/projects/shop'
const flagCount = 1_000
const importSize = 500
const processes = 7

/** The server client, each figure from processes of its own: ready, over the engine, memory, and doing nothing. */
export async function benchSdk(): Promise<StreamResults> {
  const folder = mkdtempSync(join(tmpdir(), 'halyard-bench-sdk-'))
  try {
    const program = join(folder, 'sdk-process.mjs')
    await bundle(program)
    const run = (task: string, order: Partial<SdkOrder> = {}) => runTask(program, task, order)
    return {
      ...(await benchAlone(run)),
      ...(await withBareStacks(async (start) => await benchAtEdge(start, folder, run))),
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

type Run = (task: string, order?: Partial<SdkOrder>) => Promise<SdkFigures>

async function benchAlone(run: Run): Promise<StreamResults> {
  const over = await run('overhead')
  const { bytes = NaN } = await run('heap')
  const overhead = (name: string): StreamFigure => ({ value: over[name] ?? NaN, unit: 'ns', goal: '<= 30' })
  return {
    'a boolean call over the bare engine: no rules': overhead('plain'),
    'a boolean call over the bare engine: five rules': overhead('rules'),
    'a boolean call over the bare engine: a rollout': overhead('rollout'),
    'a boolean call over the bare engine: 100 mixed flags': overhead('mixed'),
    'garbage of a boolean call, besides the engine': {
      value: Math.max(over['plain bytes'] ?? NaN, over['rollout bytes'] ?? NaN),
      unit: 'bytes',
      goal: '0',
    },
    '5,000 mixed flags, each evaluated': { value: bytes / 1024 / 1024, unit: 'MiB of heap', goal: '<= 15' },
  }
}

async function benchAtEdge(
  start: () => Promise<BareStack>,
  folder: string,
  run: Run,
): Promise<StreamResults> {
  const stack = await start()
  try {
    await importFlags(stack)
    const key = stack.seed.environments.development.serverKey
    const order = { edge: stack.urls.edge, key, path: join(folder, 'flags.json') }
    await run('keep', order)
    const ready = await medianMs(() => run('ready', order))
    const kept = await medianMs(() => run('ready-kept', order))
    const { us = NaN } = await run('idle', order)
    return {
      'ready from a local edge, 1,000 flags': { value: ready, unit: 'ms', goal: '< 100' },
      'ready from its persisted copy, 1,000 flags': { value: kept, unit: 'ms', goal: '< 20' },
      'idle for 10 s, connected': { value: us / 1_000, unit: 'ms of CPU', goal: null },
    }
  } finally {
    await stack.stop()
  }
}

async function medianMs(run: () => Promise<SdkFigures>): Promise<number> {
  const values: number[] = []
  for (let i = 0; i < processes; i++) values.push((await run())['ms'] ?? NaN) // oxlint-disable-line no-await-in-loop -- one at a time
  return median(values)
}

async function importFlags(stack: BareStack): Promise<void> {
  for (let from = 0; from < flagCount; from += importSize) {
    const flags = Array.from({ length: importSize }, (_, i) => flagOf(from + i))
    await callApi(stack, { method: 'POST', path: `${shop}/flags/import`, body: { flags } }) // oxlint-disable-line no-await-in-loop -- each raises the version
  }
}

function flagOf(index: number): object {
  const rules = [
    { when: { attribute: 'plan', op: 'in', values: ['team', 'business'] }, serve: { variant: 'on' } },
  ]
  return { key: `flag-${index}`, environments: { development: { enabled: true, rules } } }
}

async function bundle(outfile: string): Promise<void> {
  await build({
    entryPoints: [fileURLToPath(new URL('sdk-process.ts', import.meta.url))],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'es2024',
    logLevel: 'warning',
  })
}

function runTask(program: string, task: string, order: Partial<SdkOrder>): Promise<SdkFigures> {
  return new Promise((resolve, reject) => {
    const child = fork(program, [task, JSON.stringify(order)])
    child.once('message', (figures) => resolve(figures as SdkFigures)) // our own program's
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`measuring ${task} ended with ${code}`)))
  })
}
