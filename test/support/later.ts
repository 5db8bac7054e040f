/** The issues that mend what fails today: for the `todo` of a test that shows it. */
export const LATER = {
  users: 'Users and the plugin',
} as const
