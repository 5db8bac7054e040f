/** A table that scrolls by itself, also with the keyboard, so that the page does not. */
import type { ComponentChildren } from 'preact'

interface TableProps {
  readonly label: string
  readonly columns: readonly string[]
  readonly children: ComponentChildren
}

export function Table({ label, columns, children }: TableProps) {
  return (
    <div class="table-frame" tabIndex={0} role="group" aria-label={label}>
      <table>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column} scope="col">
                {column.startsWith('(') ? <span class="sr-only">{column.slice(1, -1)}</span> : column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  )
}
