/** Times as text. */

/** `Date.prototype.toISOString`, for times that are mostly of the same second: it costs each message a microsecond. */
export function isoDates(): (time: number) => string {
  let second = Number.NaN
  let text = ''
  return (time) => {
    const milliseconds = ((time % 1000) + 1000) % 1000
    if (time - milliseconds !== second) {
      second = time - milliseconds
      text = new Date(second).toISOString().slice(0, -4)
    }
    return `${text}${String(milliseconds).padStart(3, '0')}Z`
  }
}
