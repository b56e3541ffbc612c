/**
 * Lets sessions and tokens follow the users that own them. They are on a higher floor, so they join when they are
 * composed.
 */

export interface UserFollower {
  /** Applies what is in the database now. */
  changed(userId: string): Promise<void>
  /** Ends everything that the user has open. Must not fail if there is nothing, or no such user. */
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
