import {
  Alert,
  Button,
  Checkbox,
  Radio,
  Group,
  Select,
  Stack,
  Text,
  Textarea,
  TextInput,
} from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import { useRef, useState, type FormEvent } from 'react';
import { useQuery } from '@tanstack/react-query';
import { calls } from '../api/calls';
import { asProblem } from '../api/problem';
import { queries } from '../api/queries';
import type { DoorRegistration, RegistrationField } from '../api/types';
import { Agreement } from '../guest/Agreement';
import { useAgreement } from '../guest/useAgreement';
import { choices } from '../meeting/choices';
import { useMeetingText } from '../room/context';
import { fieldErrors, problemText } from '../ui/text';
import classes from './Registration.module.css';
import {
  emptyRegistrant,
  missing,
  registrantOf,
  STANDARD,
  type RegistrantValues,
  type Standard,
} from './registrationDraft';

interface Props {
  cid: string;
  form: DoorRegistration;
  /** Somebody is registered now. */
  keep: (link: string) => void;
}

const COMPLETES: Record<Standard, string> = {
  email: 'email',
  phone: 'tel',
  organisation: 'organization',
  job_title: 'organization-title',
};

/** What a conference asks of those who register. */
export function RegisterForm({ cid, form, keep }: Props) {
  const { t } = useMeetingText();
  const element = useRef<HTMLFormElement>(null);
  const [values, setValues] = useState(() => emptyRegistrant(choices.current().name));
  const [errors, setErrors] = useState<Record<string, string>>({});
  const server = useQuery(queries.server());
  const agreement = useAgreement(server.data?.documents ?? []);
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState<unknown>(null);
  const set = (field: string, change: Partial<RegistrantValues>) => {
    setValues({ ...values, ...change });
    setErrors((before) => Object.fromEntries(Object.entries(before).filter(([name]) => name !== field)));
  };
  /** The first field that is wrong gets the focus. */
  const wrong = (errors: Record<string, string>) => {
    setErrors(errors);
    requestAnimationFrame(() =>
      element.current?.querySelector<HTMLElement>('[aria-invalid=true]:not([type=hidden])')?.focus(),
    );
  };
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setFailed(null);
    const empty = missing(form, values);
    if (!agreement.check() || empty.length > 0) {
      wrong(Object.fromEntries(empty.map((field) => [field, t('registration.needed')])));
      return;
    }
    setBusy(true);
    try {
      const { link } = await calls.register(cid, {
        ...registrantOf(form, values),
        agreed: agreement.agreed(),
      });
      choices.set({ name: values.name.trim() });
      keep(link);
    } catch (error) {
      if (asProblem(error).code === 'not-agreed') await agreement.changed();
      setFailed(error);
      wrong(fieldErrors(error));
      setBusy(false);
    }
  };
  const text = (field: 'name' | Standard) => ({
    label: t(`registration.field.${field}`),
    size: 'md' as const,
    value: values[field],
    error: errors[field],
    onChange: (event: { currentTarget: { value: string } }) =>
      set(field, { [field]: event.currentTarget.value }),
  });
  return (
    <form ref={element} noValidate onSubmit={(event) => void submit(event)}>
      <Stack gap="md">
        <TextInput {...text('name')} withAsterisk maxLength={128} autoComplete="name" />
        {STANDARD.filter((field) => form[field] !== 'off').map((field) => (
          <TextInput
            key={field}
            {...text(field)}
            withAsterisk={form[field] === 'required'}
            type={field === 'email' ? 'email' : field === 'phone' ? 'tel' : 'text'}
            maxLength={field === 'email' ? 320 : 256}
            autoComplete={COMPLETES[field]}
          />
        ))}
        {form.fields.map((field) => (
          <OwnField
            key={field.id}
            field={field}
            value={values.answers[field.id!] ?? ''}
            error={errors[`answers.${field.id}`]}
            set={(answer) =>
              set(`answers.${field.id}`, { answers: { ...values.answers, [field.id!]: answer } })
            }
          />
        ))}
        {form.consent && (
          <Stack gap="xs">
            <Text
              size="sm"
              className={classes.terms}
              tabIndex={0}
              role="region"
              aria-label={t('registration.terms')}
            >
              {form.consent}
            </Text>
            <Checkbox
              label={t('registration.agree')}
              checked={values.consents}
              error={errors.consent}
              onChange={(event) => set('consent', { consents: event.currentTarget.checked })}
            />
          </Stack>
        )}
        <Agreement agreement={agreement} />
        {failed !== null && (
          <Alert color="red" icon={<IconAlertTriangle />} role="alert">
            {problemText(failed)}
          </Alert>
        )}
        <Button type="submit" size="md" loading={busy}>
          {t('registration.register')}
        </Button>
      </Stack>
    </form>
  );
}

interface OwnFieldProps {
  field: RegistrationField;
  value: string;
  error?: string;
  set: (answer: string) => void;
}

function OwnField({ field, value, error, set }: OwnFieldProps) {
  const { t } = useMeetingText();
  const shared = { label: field.label, withAsterisk: field.required, error, size: 'md' as const };
  if (field.kind === 'long_text') {
    return (
      <Textarea
        {...shared}
        autosize
        minRows={2}
        maxRows={8}
        maxLength={1000}
        value={value}
        onChange={(event) => set(event.currentTarget.value)}
      />
    );
  }
  if (field.kind === 'choice') {
    return (
      <Select
        {...shared}
        placeholder={t('registration.choose')}
        data={field.choices ?? []}
        value={value || null}
        onChange={(answer) => set(answer ?? '')}
      />
    );
  }
  if (field.kind === 'yes_no') {
    return (
      <Radio.Group {...shared} value={value} onChange={set}>
        <Group gap="lg" mt={6}>
          <Radio value="yes" label={t('registration.yes')} />
          <Radio value="no" label={t('registration.no')} />
        </Group>
      </Radio.Group>
    );
  }
  return (
    <TextInput
      {...shared}
      maxLength={256}
      value={value}
      onChange={(event) => set(event.currentTarget.value)}
    />
  );
}
