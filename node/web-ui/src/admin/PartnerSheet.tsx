import { Alert, Button, Code, Group, Stack, Text } from '@mantine/core';
import { IconAlertTriangle, IconHandStop, IconShieldExclamation } from '@tabler/icons-react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { calls } from '../api/calls';
import type { Partner, PartnerAttempt, PartnerTerms } from '../api/types';
import { Confirm } from '../ui/Confirm';
import { Facts } from '../ui/Facts';
import { tell } from '../ui/notify';
import { Status } from '../ui/Status';
import { bytes, exactTime, number, problemText, quantity, useAdminText } from '../ui/text';
import { Time } from '../ui/Time';
import { useMayChange } from '../ui/useMe';
import { formOf, grouped, partnerTones, toSend, type PartnerForm as Form } from './partner';
import { PartnerForm } from './PartnerForm';
import { TrialResult } from './PartnerTrial';

interface Props {
  partner: Partner;
  usual: PartnerTerms;
  close: () => void;
}

/** One server of another enterprise: how it is, what may be done with it, what it must prove itself with. */
export function PartnerDetails({ partner, usual, close }: Props) {
  const { t } = useAdminText();
  const mayChange = useMayChange();
  return (
    <Stack gap="lg">
      <Status tone={partnerTones[partner.state]}>{t(`partners.state.${partner.state}`)}</Status>
      {partner.state === 'certificate_changed' && <Changed partner={partner} usual={usual} />}
      {partner.seen?.quarantined_until && (
        <Quarantined partner={partner} until={partner.seen.quarantined_until} />
      )}
      {partner.waiting > 0 && partner.waiting_since && (
        <Text size="sm">
          {t('partners.waiting', { count: partner.waiting })} <Time at={partner.waiting_since} size="sm" />
        </Text>
      )}
      {mayChange && <Acts partner={partner} close={close} />}
      <Known partner={partner} />
      <PartnerForm key={partner.certificate} partner={partner} usual={usual} readOnly={!mayChange} />
    </Stack>
  );
}

function Fingerprint({ of }: { of: string }) {
  return (
    <Code style={{ overflowWrap: 'anywhere', whiteSpace: 'normal' }} fz="xs">
      {grouped(of)}
    </Code>
  );
}

/** What somebody is asked about: it stays as it was shown to them, whatever is heard meanwhile. */
interface Asked {
  print: string;
  form: Form;
  revision: string;
}

/**
 * Where DNS leads, another certificate is shown than is pinned: somebody has to find out why. A pinned authority is not given up
 * for one certificate unless that is asked for.
 */
function Changed({ partner, usual }: Pick<Props, 'partner' | 'usual'>) {
  const { t } = useAdminText();
  const cache = useQueryClient();
  const mayChange = useMayChange();
  const [asked, ask] = useState<Asked | null>(null);
  const { server, seen } = partner;
  const shown = seen?.changed;
  const hasAuthority = partner.authority !== null;
  const verb = t(hasAuthority ? 'partners.confirmInstead' : 'partners.confirm');
  return (
    <Alert
      color="red"
      variant="light"
      icon={<IconShieldExclamation />}
      title={t('partners.changed')}
      role="alert"
    >
      <Stack gap="sm">
        <Text size="sm">{t('partners.changedText', { server })}</Text>
        {hasAuthority && <Text size="sm">{t('partners.changedAuthority')}</Text>}
        <Facts
          facts={[
            [
              t('partners.pinned'),
              partner.certificate ? (
                <Fingerprint of={partner.certificate} />
              ) : (
                partner.authorities.map((one) => one.subject).join(', ')
              ),
            ],
            [t('partners.shown'), shown ? <Fingerprint of={shown.fingerprint} /> : null],
            [t('partners.issuer'), shown?.issuer ?? null],
          ]}
        />
        {mayChange && shown && (
          <Button
            variant="default"
            mr="auto"
            onClick={() =>
              ask({
                print: shown.fingerprint,
                form: formOf(partner, usual),
                revision: partner.revision ?? '0',
              })
            }
          >
            {verb}
          </Button>
        )}
      </Stack>
      {asked && (
        <Confirm
          opened
          close={() => ask(null)}
          title={t('partners.confirmTitle', { server })}
          verb={verb}
          agreed={hasAuthority ? t('partners.confirmAgreed') : undefined}
          act={async () => {
            const sent = toSend({ ...asked.form, pinned: 'certificate', certificate: asked.print });
            await calls.putPartner(server, sent, asked.revision);
            await calls.tryPartner(server);
            await cache.invalidateQueries({ queryKey: ['settings', 'partners'] });
            tell(t('partners.confirmed', { server }));
          }}
        >
          <Stack gap="xs">
            <span>{t('partners.confirmText', { server })}</span>
            <Fingerprint of={asked.print} />
          </Stack>
        </Confirm>
      )}
    </Alert>
  );
}

function Quarantined({ partner, until }: { partner: Partner; until: string }) {
  const { t } = useAdminText();
  const cache = useQueryClient();
  const mayChange = useMayChange();
  const release = useMutation({
    mutationFn: () => calls.releasePartner(partner.server),
    onSuccess: () => cache.invalidateQueries({ queryKey: ['settings', 'partners'] }),
  });
  return (
    <Alert color="red" variant="light" icon={<IconHandStop />} title={t('partners.quarantined')}>
      <Stack gap="sm">
        <Text size="sm">{t('partners.quarantinedText', { until: exactTime(until) })}</Text>
        {release.error && (
          <Text size="sm" c="var(--mantine-color-error)" role="alert">
            {problemText(release.error)}
          </Text>
        )}
        {mayChange && (
          <Button variant="default" mr="auto" loading={release.isPending} onClick={() => release.mutate()}>
            {t('partners.release')}
          </Button>
        )}
      </Stack>
    </Alert>
  );
}

function Acts({ partner, close }: Pick<Props, 'partner' | 'close'>) {
  const { t } = useAdminText();
  const cache = useQueryClient();
  const [dropping, drop] = useState(false);
  const { server } = partner;
  const trial = useMutation({
    mutationFn: () => calls.tryPartner(server),
    onSuccess: () => cache.invalidateQueries({ queryKey: ['settings', 'partners'] }),
  });
  return (
    <Stack gap="sm">
      <Group gap="xs">
        <Button size="xs" variant="default" loading={trial.isPending} onClick={() => trial.mutate()}>
          {t('partner.try')}
        </Button>
        {partner.revision !== null && (
          <Button size="xs" variant="light" color="red" onClick={() => drop(true)}>
            {t('partners.drop')}
          </Button>
        )}
      </Group>
      <div aria-live="polite">
        {trial.error && (
          <Alert color="red" variant="light" icon={<IconAlertTriangle />}>
            {problemText(trial.error)}
          </Alert>
        )}
        {trial.data && <TrialResult tried={trial.data} />}
      </div>
      <Confirm
        opened={dropping}
        close={() => drop(false)}
        title={t('partners.dropTitle', { server })}
        verb={t('partners.drop')}
        act={async () => {
          await calls.dropPartner(server, partner.revision ?? undefined);
          await cache.invalidateQueries({ queryKey: ['settings', 'partners'] });
          tell(t('partners.dropped', { server }));
          close();
        }}
      >
        {t('partners.dropText', { server })}
      </Confirm>
    </Stack>
  );
}

/** What the nodes know since they started. */
function Known({ partner }: { partner: Partner }) {
  const { t } = useAdminText();
  const { seen } = partner;
  if (!seen) return null;
  const { certificate } = seen;
  const attempt = (of: PartnerAttempt | null) =>
    of && (
      <>
        <Time at={of.at} />
        {of.trouble && (
          <Text size="sm" c="var(--mantine-color-error)" style={{ overflowWrap: 'anywhere' }}>
            {of.trouble}
          </Text>
        )}
      </>
    );
  return (
    <Facts
      facts={[
        [t('partners.reached'), seen.reached_at && <Time at={seen.reached_at} />],
        [t('partners.outgoing'), attempt(seen.outgoing)],
        [t('partners.incoming'), attempt(seen.incoming)],
        [t('partners.claimed'), attempt(seen.claimed)],
        [
          t('partners.roundTrip'),
          seen.round_trip_ms === null ? null : quantity(seen.round_trip_ms, 'millisecond', 0),
        ],
        [t('partners.way'), seen.way],
        [t('partners.subject'), certificate && (certificate.subject || certificate.names.join(', '))],
        [t('partners.issuer'), certificate?.issuer ?? null],
        [
          t('partners.expires'),
          certificate && <Expiry at={certificate.expires_at} soon={seen.certificate_expires} />,
        ],
        [t('partners.print'), certificate && <Fingerprint of={certificate.fingerprint} />],
        [t('partners.users'), seen.users ? number(seen.users) : null],
        [t('partners.ownUsers'), seen.own_users ? number(seen.own_users) : null],
        [t('partners.conferences'), seen.conferences ? number(seen.conferences) : null],
        [
          t('partners.traffic'),
          seen.received_bytes + seen.sent_bytes > 0
            ? t('partners.trafficBoth', {
                received: bytes(seen.received_bytes),
                sent: bytes(seen.sent_bytes),
              })
            : null,
        ],
      ]}
    />
  );
}

export function Expiry({ at, soon }: { at: string; soon: boolean }) {
  const text = <Time at={at} />;
  return soon ? <Status tone="warn">{text}</Status> : text;
}
