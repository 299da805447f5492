/** The part of the platform's module that is used: its types, as a whole, clash with those of Node. */
declare module 'cloudflare:workers' {
  export function waitUntil(work: Promise<unknown>): void
}
