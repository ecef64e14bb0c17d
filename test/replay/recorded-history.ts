/** A history as a file: Temporal's JSON, with the places and names of the machine it was recorded on taken out. */
import type { WorkflowHandle } from '@temporalio/client'
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js'

type History = Awaited<ReturnType<WorkflowHandle['fetchHistory']>>

/** Text of a history file. `places` are texts of this machine, by what they become. */
export function recordedHistory(history: History, places: Readonly<Record<string, string>>): string {
  const value: unknown = JSON.parse(historyToJSON(history))
  return `${JSON.stringify(neutral(value, places), undefined, 1)}\n`
}

function neutral(value: unknown, places: Readonly<Record<string, string>>): unknown {
  if (typeof value === 'string') return withoutPlaces(value, places)
  if (Array.isArray(value)) return value.map((item) => neutral(item, places))
  if (typeof value !== 'object' || value === null) return value
  const fields = Object.entries(value).map(([name, field]) => {
    if (name === 'identity') return [name, 'worker']
    if (name === 'stackTrace') return [name, '']
    // Of a payload: its JSON, in base64.
    if (name === 'data' && typeof field === 'string') {
      const text = Buffer.from(field, 'base64').toString('utf8')
      return [name, Buffer.from(withoutPlaces(text, places)).toString('base64')]
    }
    return [name, neutral(field, places)]
  })
  return Object.fromEntries(fields)
}

function withoutPlaces(text: string, places: Readonly<Record<string, string>>): string {
  return Object.entries(places).reduce((changed, [place, name]) => changed.replaceAll(place, name), text)
}
