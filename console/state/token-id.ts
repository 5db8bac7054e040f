/** The token id of what somebody has pasted: itself, or the `sub` of a message token, which so never leaves the page. */
export function tokenIdIn(text: string): string {
  const [, claims] = text.trim().split('.')
  if (claims === undefined) return text.trim()
  try {
    const bytes = Uint8Array.from(atob(claims.replaceAll('-', '+').replaceAll('_', '/')), (each) => each.charCodeAt(0))
    const { sub }: { readonly sub?: unknown } = JSON.parse(new TextDecoder().decode(bytes))
    return typeof sub === 'string' ? sub : text.trim()
  } catch {
    return text.trim()
  }
}
