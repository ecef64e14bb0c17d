/** Figures as people read them; reports write them the same way. */
export { bytesText, countOf, countText, percentText, secondsText } from '../../runtime/figures.js'
