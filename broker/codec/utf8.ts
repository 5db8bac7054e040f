/** Well-formedness of UTF-8 text (MQTT 5 section 1.5.4, MQTT 3.1.1 section 1.5.3). */

/** What `textKind` found. */
export const Text = { invalid: 0, ascii: 1, multibyte: 2 } as const
type TextKind = (typeof Text)[keyof typeof Text]

/**
 * Classifies the bytes from `start` to `end`.
 *
 * Invalid are ill-formed UTF-8, surrogates and U+0000. With `strict` so are control characters and non-characters,
 * which section 1.5.4 lets a receiver refuse: they have no place in names, but may occur in free text.
 */
export function textKind(bytes: Uint8Array, start: number, end: number, strict: boolean): TextKind {
  const lowest = strict ? 0x20 : 0x01 // [MQTT-1.5.4-2] U+0000; in 3.1.1 [MQTT-1.5.3-2]
  const highest = strict ? 0x7e : 0x7f
  for (let at = start; at < end; at++) {
    const byte = bytes[at] as number
    if (byte > highest) return byte === 0x7f ? Text.invalid : multibyteKind(bytes, at, end, strict)
    if (byte < lowest) return Text.invalid
  }
  return Text.ascii
}

function multibyteKind(bytes: Uint8Array, start: number, end: number, strict: boolean): TextKind {
  let at = start
  while (at < end) {
    const lead = bytes[at] as number
    if (lead < 0x80) {
      if (lead === 0 || (strict && (lead < 0x20 || lead === 0x7f))) return Text.invalid
      at += 1
      continue
    }
    const length = sequenceLength(lead)
    if (length === 0 || at + length > end) return Text.invalid
    const point = codePoint(bytes, at, length)
    if (point < 0 || (strict && isDiscouraged(point))) return Text.invalid
    at += length
  }
  return Text.multibyte
}

/** 0 for a byte that starts no sequence: continuation bytes, C0 and C1 (always overlong), F5 and above. */
function sequenceLength(lead: number): number {
  if (lead < 0xc2) return 0
  if (lead < 0xe0) return 2
  if (lead < 0xf0) return 3
  return lead < 0xf5 ? 4 : 0
}

/** -1 where the sequence is ill-formed. */
function codePoint(bytes: Uint8Array, at: number, length: number): number {
  let point = (bytes[at] as number) & (0xff >> (length + 1))
  for (let next = at + 1; next < at + length; next++) {
    const byte = bytes[next] as number
    if ((byte & 0xc0) !== 0x80) return -1
    point = (point << 6) | (byte & 0x3f)
  }
  if (length === 3 && point < 0x800) return -1 // overlong
  if (length === 4 && (point < 0x10000 || point > 0x10ffff)) return -1
  if (point >= 0xd800 && point <= 0xdfff) return -1 // [MQTT-1.5.4-1] surrogates; in 3.1.1 [MQTT-1.5.3-1]
  return point
}

/** Control characters above ASCII and non-characters. */
function isDiscouraged(point: number): boolean {
  if (point < 0xa0) return true
  if (point >= 0xfdd0 && point <= 0xfdef) return true
  return (point & 0xfffe) === 0xfffe
}
