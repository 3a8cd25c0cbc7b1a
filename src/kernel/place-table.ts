/** Where addresses are, for the kernel: bpf/include/place.h. */
import type { BpfMap } from '#bpf-native-bindings';
import { encode, writeIp } from '../events/primitives.js';
import { PLACE_KEY_SIZE } from '../events/shared.js';
import type { PlaceNetwork } from '../model/attribution.js';
import type { Program } from './program.js';

const IP_BYTES = 16;

export class PlaceTable {
  private readonly map: BpfMap;
  private networks: readonly PlaceNetwork[] = [];

  constructor(program: Program) {
    this.map = program.map('places');
  }

  /** Networks that stay are there all the time, so that no address is nowhere in between. */
  replace(networks: readonly PlaceNetwork[]): void {
    const left = new Map(this.networks.map((each) => [nameOf(each), each]));
    for (const each of networks) {
      this.map.update(
        keyOf(each),
        encode(IP_BYTES, (view) => {
          writeIp(view, 0, each.standsFor);
        }),
      );
      left.delete(nameOf(each));
    }
    for (const each of left.values()) this.map.delete(keyOf(each));
    this.networks = networks;
  }
}

const nameOf = ({ network, length }: PlaceNetwork): string => `${network}/${length}`;

function keyOf({ network, length }: PlaceNetwork): Uint8Array {
  return encode(PLACE_KEY_SIZE, (view) => {
    view.setUint32(0, length, true);
    writeIp(view, 4, network);
  });
}
