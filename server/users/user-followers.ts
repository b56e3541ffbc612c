/** Sessions and tokens follow the people to whom they belong. They stand above this folder, so they join as they are made. */

export interface UserFollower {
  /** What is in the database now counts. */
  changed(userId: string): Promise<void>
  /** Everything that the user has open ends. Must not fail when there is nothing, or no such user. */
  ended(userId: string): Promise<void>
}

export class UserFollowers implements UserFollower {
  readonly #followers: UserFollower[] = []

  join(follower: UserFollower): void {
    this.#followers.push(follower)
  }

  readonly changed = async (userId: string): Promise<void> => {
    await Promise.all(this.#followers.map(follower => follower.changed(userId)))
  }

  readonly ended = async (userId: string): Promise<void> => {
    await Promise.all(this.#followers.map(follower => follower.ended(userId)))
  }
}
