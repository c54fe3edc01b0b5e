// @ts-check
import { defineConfig } from "eslint/config";
import tseslint from "typescript-eslint";

/** Folders whose code is a function of its arguments. Same list as tsconfig.core.json. */
const CORE = [
  "src/domain/**/*.ts",
  "src/points/**/*.ts",
  "src/alarms/**/*.ts",
  "src/control/**/*.ts",
  "src/recorder/**/*.ts",
  "src/dcpi/**/*.ts",
  "src/wire/**/*.ts",
  "src/simulator/physics/**/*.ts",
  "src/**/codec.ts",
];

export default defineConfig(
  { ignores: ["dist/", "build/", "coverage/", "*.cjs", "*.js", "*.mjs", "test/**/*.mjs"] },
  tseslint.configs.strictTypeChecked,
  tseslint.configs.stylisticTypeChecked,
  {
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      "@typescript-eslint/switch-exhaustiveness-check": [
        "error",
        { considerDefaultExhaustiveForUnions: true },
      ],
      "@typescript-eslint/strict-boolean-expressions": "error",
      "@typescript-eslint/explicit-module-boundary-types": "error",
      "@typescript-eslint/prefer-readonly": "error",
      "@typescript-eslint/promise-function-async": "error",
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/prefer-promise-reject-errors": ["error", { allowThrowingUnknown: true }],
      "no-restricted-syntax": [
        "error",
        { selector: "TSEnumDeclaration", message: "Use a union of string literals." },
        { selector: "ExportDefaultDeclaration", message: "Name what you export." },
      ],
      "max-lines": ["error", { max: 400, skipBlankLines: true, skipComments: true }],
      "max-lines-per-function": ["error", { max: 70, skipComments: true }],
      "max-params": ["error", 4],
      complexity: ["error", 12],
      eqeqeq: "error",
      "no-console": "error",
    },
  },
  {
    files: CORE,
    rules: {
      "no-restricted-globals": [
        "error",
        "Date",
        "performance",
        "process",
        "setTimeout",
        "setInterval",
        "setImmediate",
      ],
      "no-restricted-properties": [
        "error",
        { object: "Math", property: "random", message: "The core is deterministic." },
      ],
      "no-restricted-imports": ["error", { patterns: ["node:*"] }],
    },
  },
  {
    files: ["test/**/*.ts"],
    rules: {
      "max-lines-per-function": "off",
      "max-lines": "off",
      complexity: "off",
      "@typescript-eslint/no-non-null-assertion": "off",
      "@typescript-eslint/explicit-module-boundary-types": "off",
    },
  },
);
