/** Text that becomes HTML. Whatever comes in from outside goes through here. */

const SPECIAL: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

export function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (each) => SPECIAL[each] ?? each)
}

export function code(text: string): string {
  return `<code>${escaped(text)}</code>`
}

/** The one thing of Markdown that descriptions use: code between backticks. */
export function prose(text: string): string {
  return text
    .split(/(`[^`]+`)/)
    .map((part) => (/^`[^`]+`$/.test(part) ? code(part.slice(1, -1)) : escaped(part)))
    .join('')
}

export function paragraphs(text: string): string {
  return text
    .split('\n\n')
    .map((each) => `<p>${prose(each)}</p>`)
    .join('')
}

/** For the anchor of a heading. */
export function anchor(text: string): string {
  return text.toLowerCase().replace(/[^a-z0-9]+/g, '-')
}
