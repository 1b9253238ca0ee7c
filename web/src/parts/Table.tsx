import type { ReactNode } from 'react'

/** A column: its heading, and the cell of a row. `quiet` hides the heading from the eye alone. */
export interface Column<Row> {
  name: string
  quiet?: boolean
  cell(row: Row): ReactNode
}

/** Rows under headings; on a narrow screen each row becomes a card. The first column names the row. */
export function Table<Row extends { id: string }>(props: {
  label: string
  rows: readonly Row[]
  columns: readonly Column<Row>[]
}) {
  const [first, ...others] = props.columns
  return (
    <table aria-label={props.label}>
      <thead>
        <tr>
          {props.columns.map(({ name, quiet }) => (
            <th key={name} scope="col">
              <span className={quiet ? 'hidden' : undefined}>{name}</span>
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {props.rows.map((row) => (
          <tr key={row.id}>
            <th scope="row">{first?.cell(row)}</th>
            {others.map(({ name, quiet, cell }) => (
              <td key={name} data-name={quiet ? undefined : name}>
                {cell(row)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  )
}
