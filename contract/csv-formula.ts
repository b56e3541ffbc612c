/** What a spreadsheet would calculate: the pattern of a text that gets an apostrophe in front, in every table that is written for one. */

/**
 * Spreadsheets look behind blanks and what cannot be seen, and take letters of full width for the others. For `RegExp` with the flag `u`. A
 * figure is no text: it may begin with a minus.
 */
export const csvFormula = String.raw`^[\s\p{C}]*[=+\-@\uff1d\uff0b\uff0d\uff20]|^[\t\r\n]`
