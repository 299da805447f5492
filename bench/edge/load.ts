import { readdirSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'

export interface Request {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
}

export interface LoadFigure {
  /** CPU time of the server process a request, in microseconds. */
  readonly cpuUs: number
  readonly requestsPerSec: number
}

const connections = 16

/**
 * Sends the same request `count` times over kept connections, one at a time on each, and reads the CPU time that the
 * process spent meanwhile (Linux: /proc). Throws if any answer has another status than `status`.
 */
export async function measureLoad(
  url: URL,
  pid: number,
  request: Request,
  { count, status }: { count: number; status: number },
): Promise<LoadFigure> {
  const bytes = Buffer.from(formatRequest(url, request))
  let left = count
  const cpuBefore = cpuUsOf(pid)
  const start = performance.now()
  await Promise.all(Array.from({ length: connections }, () => drive(url, bytes, status, () => left-- > 0)))
  const seconds = (performance.now() - start) / 1_000
  return { cpuUs: (cpuUsOf(pid) - cpuBefore) / count, requestsPerSec: count / seconds }
}

/** The workerd that this process started and is not among `known`. */
export function findWorkerd(known: readonly number[] = []): number {
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name) || known.includes(Number(name))) continue
    const [comm, ppid] = statOf(Number(name))
    if (comm === 'workerd' && ppid === process.pid) return Number(name)
  }
  throw new Error('no workerd process of ours')
}

function formatRequest(url: URL, { method, path, headers, body = '' }: Request): string {
  const lines = [
    `${method} ${path} HTTP/1.1`,
    `host: ${url.host}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ]
  if (method === 'POST')
    lines.push('content-type: application/json', `content-length: ${Buffer.byteLength(body)}`)
  return `${lines.join('\r\n')}\r\n\r\n${body}`
}

function drive(url: URL, bytes: Buffer, status: number, mayGoOn: () => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(url.port), url.hostname)
    socket.setNoDelay(true)
    const answers = readAnswers((seen, text) => {
      if (seen !== status) {
        socket.destroy()
        reject(new Error(`answered ${seen}, not ${status}: ${text.slice(0, 300)}`))
      } else if (mayGoOn()) socket.write(bytes)
      else {
        socket.destroy()
        resolve()
      }
    })
    socket.on('data', answers)
    socket.on('error', reject)
    socket.on('connect', () => {
      if (mayGoOn()) socket.write(bytes)
      else socket.destroy()
    })
    socket.on('close', () => resolve())
  })
}

/** Cuts a stream of bytes into answers: by Content-Length, or by chunks. */
function readAnswers(onAnswer: (status: number, text: string) => void): (data: Buffer) => void {
  let text = ''
  return (data) => {
    text += data.toString('latin1')
    const headEnd = text.indexOf('\r\n\r\n')
    if (headEnd < 0) return
    const head = text.slice(0, headEnd)
    const length = /\r\ncontent-length: (\d+)/i.exec(head)
    const isWhole = length
      ? text.length >= headEnd + 4 + Number(length[1])
      : / 304 /.test(head.slice(0, 14)) || text.endsWith('\r\n0\r\n\r\n')
    if (!isWhole) return
    const answer = text
    text = ''
    onAnswer(Number(answer.slice(9, 12)), answer)
  }
}

/** User and system time of a process in microseconds; the kernel counts in hundredths of a second. */
export function cpuUsOf(pid: number): number {
  const [, , utime = 0, stime = 0] = statOf(pid)
  return (utime + stime) * 10_000
}

function statOf(pid: number): [comm: string, ppid: number, utime?: number, stime?: number] {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const rest = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return [
      text.slice(text.indexOf('(') + 1, text.lastIndexOf(')')),
      Number(rest[1]),
      Number(rest[11]),
      Number(rest[12]),
    ]
  } catch {
    return ['', 0] // it ended meanwhile
  }
}
