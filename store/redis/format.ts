/** The version of all that is stored, so that no program writes into what it cannot read. */
import type { Client } from './connection.ts'
import { formatKey } from './keys.ts'

/** 2: buckets with many token ids have an index of their devices (lua/devices.lua). */
const FORMAT = '2'
/** What is there becomes this version as it is written. */
const EARLIER = ['1']

/** Says what version is there, where nothing does or an earlier one. @throws when it is another one */
export async function checkFormat(client: Pick<Client, 'get' | 'set'>, prefix: string): Promise<void> {
  const key = formatKey(prefix)
  const found = await client.get(key)
  if (found === null) await client.set(key, FORMAT, 'NX')
  else if (EARLIER.includes(found)) await client.set(key, FORMAT)
  else if (found !== FORMAT) throw new Error(`the data in Redis was written by another version (${found})`)
}
