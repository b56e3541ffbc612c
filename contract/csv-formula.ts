/** Protection against CSV injection: the pattern of texts that a spreadsheet would evaluate, which get an apostrophe in front. */

/**
 * Spreadsheets look behind blanks and what cannot be seen, and take letters of full width for the others. For `RegExp` with the flag `u`. A
 * number is not text: it may begin with a minus.
 */
export const csvFormula = String.raw`^[\s\p{C}]*[=+\-@\uff1d\uff0b\uff0d\uff20]|^[\t\r\n]`
