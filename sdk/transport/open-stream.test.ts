import { afterEach, expect, test, vi } from 'vitest'
import { makeStreamOpener } from './open-stream.ts'

afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

const hears = { opened: () => {}, heard: () => {}, ended: () => {} }

/** Opens a stream, leaves it, waits, and opens the next: by what each of them is opened. */
function openTwice(isAnswered: boolean): readonly string[] {
  vi.useFakeTimers()
  const opened: string[] = []
  class Socket extends EventTarget {
    readonly CLOSED = 3
    readyState = 1
    constructor(_url: URL, options: { readonly headers: object }) {
      super()
      opened.push(`WebSocket with ${Object.keys(options.headers).join()}`)
    }
    close() {
      this.readyState = isAnswered ? this.CLOSED : 2
    }
  }
  vi.stubGlobal('WebSocket', Socket)
  vi.stubGlobal('fetch', (url: URL) => {
    opened.push(`fetch of ${url.pathname}`)
    return new Promise(() => {})
  })
  const openStream = makeStreamOpener('https://flags.example.com', 'key')
  openStream(null, hears).close()
  vi.advanceTimersByTime(5_000)
  openStream(null, hears).close()
  return opened
}

test('after a WebSocket whose close was not answered streams are Server-Sent Events, which can be let go of', () => {
  expect(openTwice(false)).toEqual(['WebSocket with authorization', 'fetch of /v1/stream'])
})

test('after one whose close was answered the next is a WebSocket too', () => {
  expect(openTwice(true)).toEqual(['WebSocket with authorization', 'WebSocket with authorization'])
})
