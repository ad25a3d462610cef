/** The wasm package, for when it has not been built yet. Its own declarations take precedence over this pattern. */
declare module "*/constellation_client.js" {
  type DeviceEvent = import("./types.gen").DeviceEvent;
  type Guess = import("./types.gen").Guess;
  type Identity = import("./types.gen").Identity;
  type Mischief = import("./types.gen").Mischief;

  export default function init(): Promise<unknown>;

  export class DeviceClient {
    constructor(onEvent: (event: DeviceEvent) => void);
    join(origin: string, room: string, name: string, identity: Identity | undefined): void;
    guess(pixels: Float32Array): Guess | undefined;
    teach(pixels: Float32Array, label: number): string | undefined;
    misbehave(mischief: Mischief | null): void;
    leave(): void;
  }
}
