import type { PlainContext, PlainDocument } from './plain-document.ts'

/** Something that evaluates flags: the engine, the floor it is measured against, or a peer. */
export interface Product {
  /** The document in the product's own format, as its server would send it. */
  readonly write: (document: PlainDocument) => string
  /** From that text to ready. */
  readonly load: (text: string) => Loaded | Promise<Loaded>
}

export interface Loaded {
  /** Makes what the product wants to know of a user once, for any number of evaluations. */
  readonly forContext: (context: PlainContext) => Asker
  /** Ends what the product has running. */
  readonly close?: () => unknown
}

/** The product's fastest documented calls for one user. A product that answers in a promise does so in all of them. */
export interface Asker {
  readonly one: (key: string) => unknown
  /** Every flag. */
  readonly all: () => unknown
  /** What `one` answered, as a boolean. */
  readonly value: (key: string) => boolean | Promise<boolean>
  /** What `all` answered. A flag that it leaves out is off. */
  readonly values: () => Values | Promise<Values>
}

export type Values = ReadonlyMap<string, boolean>

export interface Peer {
  /** The published package. */
  readonly package: string
  readonly isAsync?: true
  /** It works in other threads too, so that the clock is what measures it. */
  readonly hasThreads?: true
  /** What the reader of its figures must know. */
  readonly note?: string
  /** Why it has no part in a scenario. */
  readonly cannot?: Readonly<Record<string, string>>
  readonly open: () => Promise<Product>
}

/** Imports a package of bench/package.json. Its types are not there before it is installed: the caller names what it uses. */
export async function importPeer<Module>(name: string): Promise<Module> {
  return (await import(name)) as Module
}

/** Keys and values of answers. */
export function valuesOf(entries: Iterable<readonly [string, unknown]>): Values {
  return new Map(Array.from(entries, ([key, value]) => [key, value === true]))
}

/** The calls of a product whose fastest way to all flags is to ask for one after the other. */
export function askOneByOne(keys: () => readonly string[], one: (key: string) => boolean): Asker {
  return {
    one,
    all: () => keys().map((key) => one(key)),
    value: one,
    values: () => valuesOf(keys().map((key) => [key, one(key)])),
  }
}
