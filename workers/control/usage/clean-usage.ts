import { forEachTenant } from '../jobs.ts'
import type { Database } from '../store/database.ts'
import {
  dropBatches,
  dropMetrics,
  dropRollUps,
  foldMetrics,
  foldUsage,
  selectUnfolded,
  type UsageDay,
} from '../store/fold-usage.ts'

const dayMs = 86_400_000
/** A queue gives a message up after four days: none comes again later. */
const batchDays = 7
export const rollUpDays = 400
/** For so long usage is kept by the hour at the least, since days are whole; and then by the day. */
export const hourDays = 8
/** What one transaction does, so that none is long, and how many of those a tenant has each day for one thing. */
const portion = 10_000
const portionsMax = 500

const folds = { usage_rollups: foldUsage, metric_rollups: foldMetrics } as const

/** Of every tenant drops what is too old, and folds old hours into days. Doing it again does nothing. */
export async function cleanUsage(db: Database, now: Date): Promise<void> {
  await forEachTenant(db, 'clean_usage', async (orgId) => {
    const batches = { before: new Date(now.getTime() - batchDays * dayMs), most: portion }
    await inPortions(() => db.write(orgId, (tx) => dropBatches(tx, orgId, batches)))
    const old = { before: dayAgo(now, rollUpDays), most: portion }
    for (const rollUps of ['usage_rollups', 'metric_rollups'] as const) {
      // One after the other: this may wait, and others may not.
      // oxlint-disable-next-line no-await-in-loop
      await inPortions(() => db.write(orgId, (tx) => dropRollUps(tx, orgId, { rollUps, ...old })))
      await foldOld(db, orgId, { rollUps, now }) // oxlint-disable-line no-await-in-loop
    }
    await inPortions(() => db.write(orgId, (tx) => dropMetrics(tx, orgId, old)))
  })
}

async function foldOld(
  db: Database,
  orgId: string,
  { rollUps, now }: { readonly rollUps: keyof typeof folds; readonly now: Date },
): Promise<void> {
  const span = { rollUps, from: dayAgo(now, rollUpDays), to: dayAgo(now, hourDays) }
  const [{ rows }] = await db.read(orgId, (read) => [selectUnfolded(read, orgId, span)])
  const days = rows as unknown as readonly UsageDay[] // as the query names its columns
  for (const day of days) {
    // oxlint-disable-next-line no-await-in-loop
    await inPortions(() => db.write(orgId, (tx) => folds[rollUps](tx, orgId, { ...day, most: portion })))
  }
}

/** The start of a day of UTC. */
function dayAgo(now: Date, days: number): Date {
  return new Date((Math.floor(now.getTime() / dayMs) - days) * dayMs)
}

/** What is left after its share goes on tomorrow. */
async function inPortions(work: () => Promise<number>): Promise<void> {
  for (let done = 0; done < portionsMax; done++) {
    if ((await work()) < portion) return // oxlint-disable-line no-await-in-loop -- until nothing is left
  }
}
