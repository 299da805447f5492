import { Hono } from 'hono'
import { api } from '@halyard/shared/contract/api.ts'
import { formatVersion, parseVersion, type Version } from '@halyard/shared/protocol/version.ts'
import type { AppEnv } from '../http/app-env.ts'
import { badCursor, readCursor, toPage } from '../http/page.ts'
import { serve } from '../http/serve.ts'
import { isBefore } from '../publication/read-history.ts'
import { environmentVersions } from '../store/publication-schema.ts'
import { selectVersions } from '../store/select-versions.ts'
import { revertEnvironment } from '../usecases/revert.ts'
import { findPlace, readVersionDetail, toSummary } from '../usecases/versions.ts'

/** What an environment was, and going back to it. */
export function versionRoutes() {
  const app = new Hono<AppEnv>()

  serve(app, api.listVersions, async ({ deps, actor, params, query }) => {
    const before = readVersionCursor(query.cursor)
    const { scope } = await findPlace(deps, actor, params)
    const [rows] = await deps.db.read(actor.orgId, (db) => [
      selectVersions(db, scope, before && isBefore(environmentVersions, before)).limit(query.limit + 1),
    ])
    return { result: toPage(rows, query.limit, { item: toSummary, cursor: formatVersion }) }
  })

  serve(app, api.getVersion, async ({ deps, actor, params, query }) => ({
    result: await readVersionDetail(deps, actor, { ...params, ...query }),
  }))

  serve(app, api.revertEnvironment, async ({ deps, actor, params, body, ifMatch }) =>
    revertEnvironment(deps, actor, { ...params, ...body, ifMatch }),
  )

  return app
}

/** The cursor of versions is a token. */
function readVersionCursor(cursor: string | undefined): Version | undefined {
  const text = readCursor(cursor)
  if (text === undefined) return undefined
  const version = parseVersion(text)
  if (!version || Math.max(version.epoch, version.version) >= 2 ** 31) throw badCursor()
  return version
}
