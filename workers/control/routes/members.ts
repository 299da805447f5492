import { Hono } from 'hono'
import { api } from '@halyard/shared/contract/api.ts'
import type { AppEnv } from '../http/app-env.ts'
import type { Bytes } from '../http/read-body.ts'
import { serve } from '../http/serve.ts'
import type { Actor, Deps } from '../ports.ts'
import { clearMembers, editMembers } from '../usecases/members-edit.ts'
import { commitUpload, discardUpload, putPart, replaceMembers } from '../usecases/members-upload.ts'
import { readMembers, type Conditional, type MembersPath } from '../usecases/members.ts'
import { boundTo } from './bound-to.ts'

/** The large lists of segments, which belong to an environment. */
export function memberRoutes() {
  const app = new Hono<AppEnv>()

  serve(app, api.getMembers, async ({ deps, actor, params, query }) =>
    readMembers(deps, actor, { ...params, ...query }),
  )
  serve(app, api.putMembers, async ({ deps, actor, params, query, bytes, ifMatch }) =>
    putMembers(deps, actor, params, { ...query, ...bytes, ifMatch }),
  )
  serve(app, api.editMembers, async ({ deps, actor, params, body, ifMatch }) =>
    editMembers(deps, actor, params, { ...body, ifMatch }),
  )
  serve(app, api.clearMembers, async ({ deps, actor, params, query, ifMatch }) =>
    deleteMembers(deps, actor, params, { ...query, ifMatch }),
  )
  serve(app, api.commitMembers, async ({ deps, actor, params, body, ifMatch }) =>
    commitUpload(deps, actor, params, { ...body, ifMatch }),
  )

  serve(app, api.shortGetMembers, async ({ deps, actor, params, query }) =>
    readMembers(deps, actor, { ...boundTo(actor), ...params, ...query }),
  )
  serve(app, api.shortPutMembers, async ({ deps, actor, params, query, bytes, ifMatch }) =>
    putMembers(deps, actor, { ...boundTo(actor), ...params }, { ...query, ...bytes, ifMatch }),
  )
  serve(app, api.shortEditMembers, async ({ deps, actor, params, body, ifMatch }) =>
    editMembers(deps, actor, { ...boundTo(actor), ...params }, { ...body, ifMatch }),
  )
  serve(app, api.shortClearMembers, async ({ deps, actor, params, query, ifMatch }) =>
    deleteMembers(deps, actor, { ...boundTo(actor), ...params }, { ...query, ifMatch }),
  )
  serve(app, api.shortCommitMembers, async ({ deps, actor, params, body, ifMatch }) =>
    commitUpload(deps, actor, { ...boundTo(actor), ...params }, { ...body, ifMatch }),
  )

  return app
}

interface Put extends Bytes, Conditional {
  readonly upload?: string | undefined
  readonly part?: number | undefined
  readonly column?: string | undefined
}

async function putMembers(deps: Deps, actor: Actor, at: MembersPath, { type, upload, part, ...put }: Put) {
  const format = type === 'text/csv' ? 'csv' : 'ndjson'
  return upload === undefined || part === undefined
    ? await replaceMembers(deps, actor, at, { ...put, format })
    : await putPart(deps, actor, at, { content: put.content, upload, part, format })
}

interface Delete extends Conditional {
  readonly upload?: string | undefined
}

async function deleteMembers(deps: Deps, actor: Actor, at: MembersPath, { upload, ifMatch }: Delete) {
  return upload === undefined
    ? await clearMembers(deps, actor, at, { ifMatch })
    : await discardUpload(deps, actor, at, { upload, ifMatch })
}
