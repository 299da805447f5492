'use client'

export { HalyardProvider } from './provider.tsx'
export type { HalyardProviderProps } from './provider.tsx'
export { createHooks, useClient, useFlag, useFlagDetails, useStatus } from './hooks.ts'
export type { DefaultOf, Hooks, ValueOf } from './hooks.ts'
