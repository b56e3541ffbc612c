/** Correspondents: a small maker of weather stations, its people, customers and suppliers. All names are reserved. */
export interface Person {
  name: string
  address: string
}

export const owner: Person = { name: 'Robin Hale', address: 'robin@northlight.example' }

const colleague = (name: string, user: string): Person => ({ name, address: `${user}@northlight.example` })

export const maya = colleague('Maya Lindqvist', 'maya')
export const tomas = colleague('Tomás Ferreira', 'tomas')
export const priya = colleague('Priya Nair', 'priya')
export const jonas = colleague('Jonas Weber', 'jonas')
export const samuel = colleague('Samuel Osei', 'samuel')
export const elena = colleague('Elena Petrova', 'elena')
export const noor = colleague('Noor Haddad', 'noor')
export const team: Person = { name: 'Northlight team', address: 'team@northlight.example' }

export const gerda: Person = { name: 'Gerda Fünf', address: 'g.fuenf@fuenf-soehne.example' }
export const crestline: Person = { name: 'Dana Whitlock (Crestline Circuits)', address: 'dana@crestline.example' }
export const freight: Person = { name: 'Meridian Freight', address: 'dispatch@meridian-freight.example' }
export const lawyer: Person = { name: 'Lumen Legal', address: 'contracts@lumen-legal.example' }
export const school: Person = { name: 'Harriet Boone', address: 'h.boone@oakfield-school.example' }
export const vineyard: Person = { name: 'Luc Marchand', address: 'luc@domaine-marchand.example' }
export const landlord: Person = { name: 'Patricia Quayle', address: 'patricia.quayle@quayle-estates.example' }

export const customers = [
  school,
  vineyard,
  { name: 'Imogen Clarke', address: 'imogen.clarke@example.com' },
  { name: 'Bjørn Aasen', address: 'bjorn@aasen-gard.example' },
  { name: 'Rosa Delgado', address: 'rosa.delgado@example.org' },
  { name: 'Peter van Dijk', address: 'p.vandijk@example.net' },
  { name: 'Siobhán Kelly', address: 'siobhan@kellyorchards.example' },
  { name: 'Walter Nyström', address: 'walter.nystrom@example.com' },
  { name: 'Amara Eze', address: 'amara@greenhouse-coop.example' },
  { name: 'Colin MacRae', address: 'colin@macrae-sailing.example' },
] as const satisfies readonly Person[]
