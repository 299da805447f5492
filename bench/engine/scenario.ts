import {
  mixedDocument,
  plainDocument,
  rolloutDocument,
  ruleDocument,
  segmentDocument,
  type PlainDocument,
} from './plain-document.ts'

export interface Scenario {
  readonly title: string
  /** `one`: a decision of the first flag. `all`: of every flag. `load`: from text to the first answer. */
  readonly kind: 'one' | 'all' | 'load'
  /** Whether each load is the first of its process. */
  readonly isCold?: true
  /** The most nanoseconds an operation that are good enough. */
  readonly goalNs: number
  /** The most bytes allocated an operation. */
  readonly goalBytes?: number
  readonly document: () => PlainDocument
}

/** Those in which peers take part. */
export const scenarios: Readonly<Record<string, Scenario>> = {
  A: {
    title: 'boolean, no rules',
    kind: 'one',
    goalNs: 30,
    goalBytes: 0,
    document: plainDocument,
  },
  B: {
    title: 'five rules of two conditions, match at the last',
    kind: 'one',
    goalNs: 200,
    goalBytes: 64,
    document: ruleDocument,
  },
  C: {
    title: '20 % rollout by user',
    kind: 'one',
    goalNs: 110,
    goalBytes: 64,
    document: rolloutDocument,
  },
  D: {
    title: 'segment of 10,000 ids',
    kind: 'one',
    goalNs: 80,
    goalBytes: 0,
    document: segmentDocument,
  },
  E: {
    title: '100 mixed flags for one context',
    kind: 'all',
    goalNs: 10_000,
    document: () => mixedDocument(100),
  },
  F: {
    title: '1,000 mixed flags for one context',
    kind: 'all',
    goalNs: 100_000,
    document: () => mixedDocument(1_000),
  },
  G: {
    title: '1,000 mixed flags to ready, warm',
    kind: 'load',
    goalNs: 1_000_000,
    document: () => mixedDocument(1_000),
  },
  'G-cold': {
    title: '1,000 mixed flags to ready, cold',
    kind: 'load',
    isCold: true,
    goalNs: 1_500_000,
    document: () => mixedDocument(1_000),
  },
}
