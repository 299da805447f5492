import type { Json } from '@halyard/shared/engine/model.ts'

/**
 * What a client knows of its flags at compile time: by default nothing, so that any text is a key. `halyard codegen`
 * writes a type such as `{ 'new-checkout': boolean; theme: 'dark' | 'light' }`; a client of that type takes no other key.
 */
export type AnyFlags = Readonly<Record<string, never>>

/** The keys of the flags whose values are all of type `T`. */
export type KeysOf<F extends object, T> = {
  [K in keyof F]: F[K] extends T ? K : never
}[keyof F] &
  string

/** The keys of the flags that may give JSON: those that are not all booleans, all texts or all numbers. */
export type JsonKeysOf<F extends object> = {
  [K in keyof F]: [F[K]] extends [never]
    ? K
    : F[K] extends boolean
      ? never
      : F[K] extends string
        ? never
        : F[K] extends number
          ? never
          : K
}[keyof F] &
  string

/** The texts that a flag gives: any, if its type is not known. */
export type TextOf<F extends object, K extends keyof F> = [F[K]] extends [never] ? string : F[K]

/** The JSON that a flag gives: that of the default value, if its type is not known. */
export type JsonOf<F extends object, K extends keyof F, T extends Json> = [F[K]] extends [never] ? T : F[K]
