/** The figures of a chart as a table, newest first, for screen readers and for copying. */
import { formatDateTime } from '../platform/format.ts'
import { Cell, ColumnHead, Table, TableRow } from '../ui/table.tsx'
import type { ChartInfo } from './chart-list.ts'
import type { ChartShape } from './chart-shape.ts'
import { lineWords } from './line-words.ts'

/** Maximum rows; the CSV file has all. */
const mostRows = 200

export function ChartTable({ chart, shape, unit }: { chart: ChartInfo; shape: ChartShape; unit: string }) {
  const places = shape.at.map((_at, place) => place).filter(place => hasReading(shape, place))
  const shown = places.slice(-mostRows).reverse()
  return (
    <div className="max-h-90 overflow-y-auto">
      <Table label={`Values of ${chart.title}${unit && `, ${unit}`}`}>
        <thead>
          <tr className="border-b">
            <ColumnHead>Time</ColumnHead>
            {shape.lines.map(({ label }) => (
              <ColumnHead key={label} align="right">
                {label}
              </ColumnHead>
            ))}
          </tr>
        </thead>
        <tbody>
          {shown.map(place => (
            <TableRow key={shape.at[place]}>
              <Cell className="whitespace-nowrap">{formatDateTime(shape.at[place]! * 1000)}</Cell>
              {shape.lines.map(line => (
                <Cell key={line.label} label={line.label} align="right">
                  {lineWords(chart, line, place)}
                </Cell>
              ))}
            </TableRow>
          ))}
        </tbody>
      </Table>
      {places.length > shown.length && (
        <p className="p-2 text-xs text-muted">
          The newest {mostRows} of {places.length} steps; the file has all.
        </p>
      )}
    </div>
  )
}

function hasReading({ lines }: ChartShape, place: number): boolean {
  return lines.some(({ values }) => (values[place] ?? null) !== null)
}
