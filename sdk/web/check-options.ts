import type { WebClientOptions } from './web-client.ts'

/** Throws a TypeError that says which option is wrong, and what is allowed. */
export function checkOptions({ edge, key }: WebClientOptions): void {
  if (!/^https?:\/\/[^/?#]+\/*$/.test(edge))
    throw new TypeError(`edge is ${edge}: it must be an origin, https://…`)
  // The start of a key says what it is, and gives nothing away.
  if (!/^hyd_cli_\w+$/.test(key))
    throw new TypeError(`key is ${String(key).slice(0, 8)}…: it must be a client key, hyd_cli_…`)
}
