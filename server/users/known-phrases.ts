/**
 * Phrases that many people know by heart, and that are therefore guessed early: the best known first. Spaces mark word
 * boundaries; long ones are cut where people stop. After them, keyboard walks that no password list contains.
 */

const phrases = `
correct horse battery staple
correct battery horse staple
the quick brown fox
jumps over the lazy dog
jumped over the lazy dog
to be or not to be
that is the question
may the force be with you
ich liebe dich
i love you so much
i love you forever
i love you baby
i will always love you
je t aime mon amour
te quiero mucho
te amo mucho
ti amo per sempre
ya tebya lyublyu
eu te amo muito
all you need is love
let it be
here comes the sun
yellow submarine
hey jude dont make it bad
stairway to heaven
highway to hell
smells like teen spirit
never gonna give you up
never gonna let you down
we will rock you
we are the champions
bohemian rhapsody
is this the real life
is this just fantasy
another one bites the dust
under pressure
hotel california
like a rolling stone
knocking on heavens door
imagine all the people
dont stop believing
dont worry be happy
every breath you take
sweet dreams are made of this
livin on a prayer
hakuna matata
let it go
a whole new world
twinkle twinkle little star
how i wonder what you are
mary had a little lamb
humpty dumpty sat on a wall
old macdonald had a farm
row row row your boat
happy birthday to you
jingle bells
we wish you a merry christmas
merry christmas and a happy new year
silent night holy night
stille nacht heilige nacht
god save the queen
god save the king
god bless america
in god we trust
jesus loves me
jesus is lord
our father who art in heaven
the lord is my shepherd
in the beginning was the word
in the beginning god created
let there be light
i think therefore i am
cogito ergo sum
carpe diem
veni vidi vici
alea iacta est
et tu brute
errare humanum est
memento mori
in vino veritas
per aspera ad astra
lorem ipsum dolor sit amet
once upon a time
es war einmal
happily ever after
a long time ago in a galaxy far far away
luke i am your father
i am your father
do or do not there is no try
live long and prosper
to boldly go where no man has gone before
beam me up scotty
resistance is futile
make it so number one
winter is coming
you know nothing jon snow
valar morghulis
one ring to rule them all
my precious
you shall not pass
not all those who wander are lost
speak friend and enter
expecto patronum
avada kedavra
i solemnly swear that i am up to no good
mischief managed
after all this time always
its leviosa not leviosa
so long and thanks for all the fish
the answer to life the universe and everything
the answer is forty two
dont panic
ill be back
hasta la vista baby
houston we have a problem
here is looking at you kid
frankly my dear i dont give a damn
my name is bond james bond
bond james bond
shaken not stirred
i am the one who knocks
say my name
show me the money
you cant handle the truth
life is like a box of chocolates
run forrest run
why so serious
i am batman
i am iron man
i am groot
with great power comes great responsibility
to infinity and beyond
just keep swimming
there is no place like home
follow the yellow brick road
somewhere over the rainbow
there is no spoon
follow the white rabbit
wake up neo
the cake is a lie
all your base are belong to us
its dangerous to go alone
would you kindly
war never changes
four score and seven years ago
we the people
life liberty and the pursuit of happiness
i have a dream
yes we can
make america great again
ask not what your country can do for you
one small step for man
one giant leap for mankind
it was the best of times
it was the worst of times
call me ishmael
it was a dark and stormy night
big brother is watching you
war is peace freedom is slavery
call me maybe
just do it
think different
because youre worth it
im loving it
practice makes perfect
an apple a day keeps the doctor away
time is money
knowledge is power
money makes the world go round
time flies like an arrow
actions speak louder than words
the early bird catches the worm
when in rome do as the romans do
home sweet home
keep calm and carry on
live laugh love
you only live once
peace love and happiness
hello world
open sesame
sesam oeffne dich
abra cadabra
let me in please
this is my password
my secret password
my password is secret
this is a password
password is password
i forgot my password
i dont know my password
nobody knows my password
please change me
change me now
no one will guess this
you will never guess this
never say never
trust no one
in the name of the father
bismillah ir rahman ir rahim
allahu akbar
om mani padme hum
ich bin ein berliner
wir schaffen das
sein oder nicht sein
der frueh vogel faengt den wurm
alle meine entchen
haenschen klein ging allein
mein name ist hase
wer wird millionaer
guten morgen liebe sorgen
ich habe keine ahnung
mein passwort ist geheim
liberte egalite fraternite
c est la vie
je suis charlie
voulez vous coucher avec moi
mot de passe secret
sur le pont d avignon
frere jacques dormez vous
vive la france
que sera sera
la vida loca
livin la vida loca
viva la vida
mi casa es su casa
hasta siempre comandante
la dolce vita
forza italia
nel mezzo del cammin di nostra vita
ordem e progresso
one two three four five
eins zwei drei vier
un dos tres cuatro
un deux trois quatre
monday tuesday wednesday
january february march
north south east west
spring summer autumn winter
red orange yellow green blue
alpha beta gamma delta
alpha bravo charlie delta
`

const walks = `
!qaz2wsx#edc !qaz@wsx#edc 1qaz@wsx3edc !qaz2wsx3edc 1qaz!qaz2wsx@wsx 1qaz2wsx!qaz@wsx zaq!2wsx zaq!xsw@ zaq1@wsx cde3xsw2 mko0nji9 bhu8vgy7
plokmijnuhb plokijuh qawsedrftgyh qawsedrf aqzsedrftg azsxdcfv azsxdcfvgb azqsxwdc wqsaxz qpwoeiruty qpalzm woskxn
poiulkjhmnbv lkjhgfdsapoiuytrewq mnbvcxzlkjhgfdsa q2w3e4r5t6 2w3e4r5t6y7u 3edc4rfv5tgb 4rfv5tgb6yhn 0okm9ijn8uhb 9ijn8uhb7ygv
!@#$%^&*()_+ !@#$%^&*() qwer!@#$ !@#$qwer asdf!@#$ 1q@w3e$r !q2w#e4r !q@w#e$r !"§$%&/()=
`

/** Matches what may separate two words. */
const separators = String.raw`[^\p{L}\p{N}]*`
const words = phrases
  .trim()
  .split('\n')
  .map(phrase => phrase.split(' '))
const joined = words.map(each => each.join(''))

/** In lower case and without spaces, as a dictionary for zxcvbn; the best known first. */
export const commonPhrases: readonly string[] = [...joined, ...walks.trim().split(/\s+/)]

/** Joins each phrase in the text to its form in the dictionary, whatever separates its words. */
export function joinPhrases(text: string): string {
  // Not one expression for all phrases: building it takes a tenth of a second and 24 MiB.
  const bare = fold(text.replace(/[^\p{L}\p{N}]+/gu, ''))
  const found = words.filter((_each, index) => bare.includes(joined[index]!))
  if (found.length === 0) return text
  // The longest first, so that none is matched partially.
  const alternatives = found.map(each => each.join(separators)).toSorted((a, b) => b.length - a.length)
  const anyPhrase = new RegExp(alternatives.join('|'), 'giu')
  return text.replace(anyPhrase, phrase => phrase.replace(/[^\p{L}\p{N}]+/gu, '').toLowerCase())
}

/** Folds case at least as broadly as a case-insensitive expression, which also matches the long s as s. */
function fold(text: string): string {
  return text.toUpperCase().toLowerCase()
}
