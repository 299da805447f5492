/** For tests: what the API answers. */
import type { Environment } from '@halyard/shared/contract/resources.ts'
import type { Flag, FlagState } from '@halyard/shared/contract/flag.ts'

const at = '2026-01-02T03:04:05.678Z'

export function flagOf(key: string, changes: Partial<Flag> = {}): Flag {
  return {
    id: `flg_${key}`,
    key,
    valueType: 'boolean',
    name: key,
    description: '',
    tags: [],
    owner: '',
    kind: 'release',
    temporary: false,
    expiresAt: null,
    onExpiry: 'keep',
    schema: null,
    variants: [
      { key: 'on', value: true },
      { key: 'off', value: false },
    ],
    clientVisible: false,
    seed: '0123456789abcdef',
    archived: false,
    createdAt: at,
    updatedAt: at,
    ...changes,
  }
}

export const state: FlagState = {
  enabled: true,
  offVariant: 'off',
  prerequisites: [],
  overrides: [],
  rules: [],
  fallthrough: { variant: 'on' },
}

export function flagStateOf(key: string, environment: string, changes: Partial<FlagState> = {}) {
  return { key, environment, ...state, ...changes, updatedAt: at }
}

export function environmentOf(key: string, changes: Partial<Environment> = {}): Environment {
  return {
    id: `env_${key}`,
    key,
    name: key,
    protected: false,
    archived: false,
    version: '1.7',
    publishedVersion: '1.7',
    frozen: null,
    createdAt: at,
    ...changes,
  }
}

export function pageOf<T>(items: readonly T[], nextCursor: string | null = null) {
  return { items, nextCursor }
}

export function problemOf(code: string, status: number, extras: object = {}) {
  return {
    type: `/api/v1/reference#${code}`,
    title: `Title of ${code}`,
    status,
    code,
    requestId: 'req_1',
    ...extras,
  }
}
