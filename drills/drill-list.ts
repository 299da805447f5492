import { databaseDown } from './database-down.ts'
import type { Drill } from './drill.ts'
import { fuzz } from './fuzz.ts'
import { hubDead } from './hub-dead.ts'
import { kill } from './kill.ts'
import { kvHangs, kvThrows } from './kv-fails.ts'
import { storm } from './storm.ts'

export const drills: readonly Drill[] = [kill, databaseDown, kvThrows, kvHangs, hubDead, storm, fuzz]
