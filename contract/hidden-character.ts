/** Invisible characters in strangers’ texts, distinguished from those that a script needs. */

/**
 * A regular expression (flags `gu`) for invisible characters that may hide or reorder adjacent text: controls of
 * direction, blanks without width, tags, fillers. Those that a script or an emoji needs are not matched.
 */
export const hiddenCharacter = [
  // Marks that a line of Hebrew or Arabic needs.
  String.raw`(?![\u200e\u200f\u061c])`,
  // Emoji made of several, and those in colour; flags of parts of a country.
  String.raw`(?!(?<=[\p{Emoji}\ufe0f])\u200d(?=\p{Extended_Pictographic}))(?!(?<=\p{Emoji})[\ufe0e\ufe0f])`,
  String.raw`(?!(?<=\u{1f3f4}[\u{e0020}-\u{e007f}]{0,7})[\u{e0020}-\u{e007f}])`,
  // Variants of letters, and letters that join or do not.
  String.raw`(?!(?<=\p{Script=Han})[\ufe00-\ufe02\u{e0100}-\u{e01ef}])(?!(?<=\p{Script=Mongolian})[\u180b-\u180d\u180f])`,
  String.raw`(?!(?<=[\p{Script=Arabic}\p{Script=Syriac}\p{Script=Devanagari}\p{Script=Bengali}\p{Script=Malayalam}\p{Script=Kannada}\p{Script=Telugu}\p{Script=Tamil}\p{Script=Sinhala}\p{Script=Khmer}])[\u200c\u200d])`,
  String.raw`[\p{Default_Ignorable_Code_Point}\p{Cc}\ufff9-\ufffb]`,
].join('')
