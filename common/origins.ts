/** Whether this is the origin of a page as browsers write it (RFC 6454 section 6.2): without a path, and without a usual port. */
export function isOrigin(text: string): boolean {
  if (!/^https?:\/\//.test(text) || !URL.canParse(text)) return false
  return new URL(text).origin === text
}
