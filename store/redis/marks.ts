/** What the cursors do not say alone, as the script keeps it (lua/marks.lua). */
import type { Commit, Cursors, Marks } from '../contract.ts'
import { type Packed, Packer, unpack } from './pack.ts'
import { asList, asNumber, asText } from './values.ts'

const NONE = { private: [], broadcast: [] }

export function asCursors(own: Packed | undefined, broadcast: Packed | undefined, marks: Packed | undefined): Cursors {
  const cursors = { private: asNumber(own), broadcast: asNumber(broadcast) }
  return marks instanceof Buffer ? { ...cursors, marks: decodeMarks(marks) } : cursors
}

function decodeMarks(packed: Buffer): Marks {
  const [floor, versions, passed, skippedPrivate, skippedBroadcast] = asList(unpack(packed))
  const flat = asList(passed)
  const pairs: [string, number][] = []
  for (let at = 0; at + 1 < flat.length; at += 2) pairs.push([asText(flat[at]), asNumber(flat[at + 1])])
  return {
    floor: asNumber(floor),
    versions: asList(versions).map(asText),
    passed: pairs,
    skippedPrivate: asList(skippedPrivate).map(asNumber),
    skippedBroadcast: asList(skippedBroadcast).map(asNumber),
  }
}

export function encodeMarks({ floor, versions, passed, skippedPrivate, skippedBroadcast }: Marks): Buffer {
  const packer = new Packer()
  packer.array(5)
  packer.value(floor)
  for (const list of [versions, passed.flat(), skippedPrivate, skippedBroadcast]) writeList(packer, list)
  return packer.finish()
}

/** What a commit changes in them; false: nothing. */
export function encodeChange({ versions, passed, skipped, taken }: Commit): Buffer | false {
  if (versions === undefined && passed === undefined && skipped === undefined && taken === undefined) return false
  const packer = new Packer()
  packer.array(6)
  if (versions === undefined) packer.value(false)
  else writeList(packer, versions)
  const { private: skippedPrivate, broadcast: skippedBroadcast } = skipped ?? NONE
  const { private: takenPrivate, broadcast: takenBroadcast } = taken ?? NONE
  for (const list of [(passed ?? []).flat(), skippedPrivate, skippedBroadcast, takenPrivate, takenBroadcast])
    writeList(packer, list)
  return packer.finish()
}

function writeList(packer: Packer, list: readonly (string | number)[]): void {
  packer.array(list.length)
  for (const value of list) packer.value(value)
}
