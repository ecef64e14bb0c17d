/** Days and months as texts write them: what docs/data-dictionary.md says of `date` and `month`, a second time. */

const BLANKS = /^[ \t\r\n]+|[ \t\r\n]+$/g
const ISO_DAY = /^([0-9]{4})-([0-9]{2})-([0-9]{2})$/
const LOOSE_DAY = /^([0-9]{4})([-/])([0-9]{1,2})\2([0-9]{1,2})$/
const PLAIN_DAY = /^([0-9]{4})([0-9]{2})([0-9]{2})$/
const MOMENT =
  /^([0-9]{4})-([0-9]{2})-([0-9]{2})[T ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(\.[0-9]+)?)?(?: ?(Z|UTC|[+-][0-9]{2}(?::?[0-9]{2})?))?$/
const MONTH = /^([0-9]{4})(?:[-/]([0-9]{1,2})|([0-9]{2}))$/

/** YYYY-MM-DD of what can be read as a day; any other text as it is. */
export function isoDate(text: string): string {
  const trimmed = text.replace(BLANKS, '')
  return dayIn(trimmed) ?? (ISO_DAY.test(trimmed) ? trimmed : text)
}

/** YYYY-MM of what can be read as a month or a day; any other text as it is. */
export function isoMonth(text: string): string {
  const trimmed = text.replace(BLANKS, '')
  const [, year, separated, plain] = MONTH.exec(trimmed) ?? []
  const month = Number(separated ?? plain)
  if (year !== undefined && month >= 1 && month <= 12) return `${year}-${String(month).padStart(2, '0')}`
  return dayIn(trimmed)?.slice(0, 7) ?? text
}

/** YYYY-MM-DD of a text that is a day of the calendar, or a moment of one. */
function dayIn(text: string): string | undefined {
  const iso = ISO_DAY.exec(text)
  if (iso) return calendarDay(iso[1], iso[2], iso[3])
  const loose = LOOSE_DAY.exec(text)
  if (loose) return calendarDay(loose[1], loose[3], loose[4])
  const plain = PLAIN_DAY.exec(text)
  if (plain) return calendarDay(plain[1], plain[2], plain[3])
  const moment = MOMENT.exec(text)
  return moment ? dayOfMoment(moment) : undefined
}

function dayOfMoment(moment: RegExpExecArray): string | undefined {
  const [, year, month, day, hour, minute, second = '0', fraction = '', zone] = moment
  const written = calendarDay(year, month, day)
  if (written === undefined || !isOfClock(Number(hour), Number(minute), Number(second))) return undefined
  // 24:00 is the end of the day.
  if (hour === '24' && (minute !== '00' || Number(second) > 0 || Number(fraction) > 0)) return undefined
  if (zone === undefined) return written
  const [, sign, hours = '0', minutes = '0'] = /^([+-])([0-9]{2}):?([0-9]{2})?$/.exec(zone) ?? []
  if (Number(hours) > 23 || Number(minutes) > 59) return undefined
  const offset = (Number(hours) * 60 + Number(minutes)) * (sign === '-' ? -1 : 1)
  const sinceMidnight = Number(hour) * 60 + Number(minute)
  const utc = new Date(Date.parse(`${written}T00:00:00Z`) + (sinceMidnight - offset) * 60_000).toISOString()
  // Outside of the years 0 to 9999 it has another form.
  return /^[0-9]{4}-/.test(utc) ? calendarDay(...utc.slice(0, 10).split('-')) : undefined
}

function isOfClock(hour: number, minute: number, second: number): boolean {
  return hour <= 24 && minute <= 59 && second <= 59
}

function calendarDay(year = '', month = '', day = ''): string | undefined {
  if (Number(year) < 1) return undefined
  const text = `${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`
  const time = Date.parse(`${text}T00:00:00Z`)
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text) ? text : undefined
}
