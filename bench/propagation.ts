import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildWorkers } from '../dev/build-workers.ts'
import { startStack, type Stack } from '../dev/stack.ts'

export interface PropagationResults {
  /** Milliseconds from the acknowledgement of a write to the message on a socket; below zero if the message was first. */
  readonly afterAckMs: Spread
  /** From sending the write to the message on a socket. */
  readonly fromWriteMs: Spread
  /** From sending the write to its answer. */
  readonly writeMs: Spread
}

export interface Spread {
  readonly p50: number
  readonly p90: number
  readonly max: number
}

const writes = 50
const warmUp = 5

/** Toggles a flag again and again on the local stack, with built Workers, and watches a socket at the edge. */
export async function benchPropagation(): Promise<PropagationResults> {
  const folder = mkdtempSync(join(tmpdir(), 'halyard-bench-'))
  const built = join(folder, 'dist')
  await buildWorkers(built)
  const stack = await startStack({ stateDir: join(folder, 'state'), built })
  try {
    return await measure(stack)
  } finally {
    await stack.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function measure(stack: Stack): Promise<PropagationResults> {
  const seen = new Map<string, number>()
  let onMessage: (() => void) | null = null
  const { serverKey } = stack.seed.environments.development
  const socket = new WebSocket(`${stack.urls.edge.replace('http', 'ws')}/v1/stream`, {
    protocols: ['halyard.v1'],
    headers: { authorization: `Bearer ${serverKey}` },
  } as never) // Node takes headers here, which the type of browsers does not know
  socket.addEventListener('message', (event) => {
    const { kind, signedHead } = JSON.parse(String(event.data))
    if (kind === 'snapshot') seen.set(versionOf(signedHead), performance.now())
    onMessage?.()
  })
  const arrival = async (version: string) => {
    for (;;) {
      const at = seen.get(version)
      if (at !== undefined) return at
      await new Promise<void>((resolve) => (onMessage = resolve)) // oxlint-disable-line no-await-in-loop -- until it is there
    }
  }
  await new Promise<void>((resolve) => (onMessage = resolve))
  const rounds: { write: number; ack: number; socket: number }[] = []
  for (let round = 0; round < warmUp + writes; round++) {
    const write = performance.now()
    const version = await toggle(stack) // oxlint-disable-line no-await-in-loop -- one write at a time
    const ack = performance.now()
    const at = await arrival(version) // oxlint-disable-line no-await-in-loop
    if (round >= warmUp) rounds.push({ write, ack, socket: at })
  }
  socket.close()
  return {
    afterAckMs: spread(rounds.map((round) => round.socket - round.ack)),
    fromWriteMs: spread(rounds.map((round) => round.socket - round.write)),
    writeMs: spread(rounds.map((round) => round.ack - round.write)),
  }
}

async function toggle({ urls, seed }: Stack): Promise<string> {
  const path = `/api/v1/orgs/demo/projects/shop/environments/development/flags/new-checkout/toggle`
  const headers = { authorization: `Bearer ${seed.managementKey}`, 'content-type': 'application/json' }
  const response = await fetch(`${urls.control}${path}`, { method: 'POST', headers, body: '{}' })
  const { versions } = (await response.json()) as { versions: { development: string } } // as the API says
  return versions.development
}

/** The version token in a signed head, which is read here and not verified. */
function versionOf(signedHead: string): string {
  const { epoch, version } = JSON.parse(Buffer.from(signedHead.split('.')[1] ?? '', 'base64url').toString())
  return `${epoch}.${version}`
}

function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN
  return { p50: at(0.5), p90: at(0.9), max: at(1) }
}
