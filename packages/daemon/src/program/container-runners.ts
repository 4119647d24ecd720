import type { Interpreter } from './interpreter.ts';
import { scan, valueOf, words, type Grammar } from './options.ts';
import { imageSpec } from './package-spec.ts';
import { freeText, unknownOption } from './shell-programs.ts';

const client: Grammar = {
  values: words('--config -c --context -H --host -l --log-level --tlscacert --tlscert --tlskey'),
  isFlag: (name) => /^(?:-D|-v|--debug|--tls|--tlsverify|--remote|-r)$/.test(name),
};

const run: Grammar = {
  values: words(`
    --add-host --annotation -a --attach --blkio-weight --blkio-weight-device --cap-add --cap-drop
    --cgroup-parent --cgroupns --cidfile --cpu-period --cpu-quota --cpu-rt-period --cpu-rt-runtime
    -c --cpu-shares --cpus --cpuset-cpus --cpuset-mems --detach-keys --device --device-cgroup-rule
    --device-read-bps --device-read-iops --device-write-bps --device-write-iops --dns --dns-option
    --dns-search --domainname --entrypoint -e --env --env-file --expose --gpus --group-add --health-cmd
    --health-interval --health-retries --health-start-interval --health-start-period --health-timeout
    -h --hostname --ip --ip6 --ipc --isolation --kernel-memory -l --label --label-file --link --link-local-ip
    --log-driver --log-opt --mac-address -m --memory --memory-reservation --memory-swap --memory-swappiness
    --mount --name --network --net --network-alias --net-alias --oom-score-adj --pid --pids-limit --platform
    -p --publish --pull --restart --runtime --security-opt --shm-size --stop-signal --stop-timeout
    --storage-opt --sysctl --tmpfs --ulimit --use-api-socket -u --user --userns --uts -v --volume
    --volume-driver --volumes-from -w --workdir --secret --arch --os --pod --tz --umask --authfile
  `),
  isFlag: (name) =>
    /^-[dPitq]$/.test(name) ||
    /^--(?:detach|disable-content-trust|help|init|interactive|no-healthcheck|oom-kill-disable|privileged|publish-all|quiet|read-only|rm|sig-proxy|tty|replace|env-host|http-proxy|tls-verify)$/.test(
      name,
    ),
  clusters: true,
};

/** `docker run IMAGE`: the image is bound by its digest alone, since what a tag names may change. */
export const runContainer: Interpreter = (trail, args, { name }) => {
  trail.needFolder();
  trail.needPath();
  const outer = scan(args, client);
  if (outer.unknown !== undefined) return unknownOption(trail, name, outer.unknown);
  const [verb, ...rest] = outer.rest[0] === 'container' ? outer.rest.slice(1) : outer.rest;
  if (verb !== 'run') return freeText(trail, `${name} ${verb ?? ''}`.trimEnd());
  const found = scan(rest, run);
  if (found.unknown !== undefined) return unknownOption(trail, `${name} run`, found.unknown);
  const [image] = found.rest;
  if (image === undefined) return freeText(trail, `${name} run`);
  const spec = imageSpec(image);
  trail.setPackage({ runner: name, ...spec });
  trail.pin(image, spec);
  const file = valueOf(found, '--env-file');
  return file === undefined ? undefined : trail.addIfThere('preload', trail.resolve(file));
};
