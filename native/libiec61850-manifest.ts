/**
 * Every function of libiec61850 that we call, as C declares it (version 1.5). The library is not
 * part of this product; see README.md for how to get one.
 */

/**
 * These wait for the network. They exist for us only in their asynchronous form: one of them called
 * on the thread of JavaScript while a report waits to be delivered there would wait for ever.
 */
export const WAITING = {
  connect: "bool MmsConnection_connect(void *c, _Out_ int *error, const char *host, int port)",
  conclude: "void MmsConnection_conclude(void *c, _Out_ int *error)",
  abort: "void MmsConnection_abort(void *c, _Out_ int *error)",
  destroy: "void MmsConnection_destroy(void *c)",
  domains: "void *MmsConnection_getDomainNames(void *c, _Out_ int *error)",
  variables:
    "void *MmsConnection_getDomainVariableNames(void *c, _Out_ int *error, const char *domain)",
  variableLists:
    "void *MmsConnection_getDomainVariableListNames(void *c, _Out_ int *error, const char *domain)",
  type:
    "void *MmsConnection_getVariableAccessAttributes(" +
    "void *c, _Out_ int *error, const char *domain, const char *item)",
  members:
    "void *MmsConnection_readNamedVariableListDirectory(" +
    "void *c, _Out_ int *error, const char *domain, const char *item, _Out_ bool *isDeletable)",
  read:
    "void *MmsConnection_readVariable(" +
    "void *c, _Out_ int *error, const char *domain, const char *item)",
  readMany:
    "void *MmsConnection_readMultipleVariables(" +
    "void *c, _Out_ int *error, const char *domain, void *items)",
  write:
    "int MmsConnection_writeVariable(" +
    "void *c, _Out_ int *error, const char *domain, const char *item, void *value)",
  status:
    "void MmsConnection_getServerStatus(" +
    "void *c, _Out_ int *error, _Out_ int *logical, _Out_ int *physical, bool isExtended)",
} as const;

/** These only touch memory. */
export const AT_ONCE = {
  version: "const char *LibIEC61850_getVersionString()",
  create: "void *MmsConnection_create()",
  setConnectTimeout: "void MmsConnection_setConnectTimeout(void *c, uint32_t ms)",
  setRequestTimeout: "void MmsConnection_setRequestTimeout(void *c, uint32_t ms)",
  setLocalDetail: "void MmsConnection_setLocalDetail(void *c, int32_t octets)",
  setInformed: "void MmsConnection_setInformationReportHandler(void *c, Informed *f, void *p)",
  setLost: "void MmsConnection_setConnectionLostHandler(void *c, Lost *f, void *p)",
  isoParameters: "void *MmsConnection_getIsoConnectionParameters(void *c)",
  mmsParameters: "MmsParameters MmsConnection_getMmsConnectionParameters(void *c)",
  setLocal: "void IsoConnectionParameters_setLocalAddresses(void *p, PSel a, SSel b, TSel c)",
  setRemote: "void IsoConnectionParameters_setRemoteAddresses(void *p, PSel a, SSel b, TSel c)",
  setLocalTitle:
    "void IsoConnectionParameters_setLocalApTitle(void *p, const char *title, int qualifier)",
  setRemoteTitle:
    "void IsoConnectionParameters_setRemoteApTitle(void *p, const char *title, int qualifier)",
  setAuthentication:
    "void IsoConnectionParameters_setAcseAuthenticationParameter(void *p, void *a)",
  newAuthentication: "void *AcseAuthenticationParameter_create()",
  setMechanism: "void AcseAuthenticationParameter_setAuthMechanism(void *a, int mechanism)",
  setPassword: "void AcseAuthenticationParameter_setPassword(void *a, const char *password)",
  deleteAuthentication: "void AcseAuthenticationParameter_destroy(void *a)",
  encodeValue: "int MmsValue_encodeMmsData(void *v, void *octets, int at, bool isWritten)",
  decodeValue: "void *MmsValue_decodeMmsData(void *octets, int at, int length, _Out_ int *end)",
  deleteValue: "void MmsValue_delete(void *v)",
  newList: "void *LinkedList_create()",
  addToList: "void LinkedList_add(void *list, void *element)",
  nextOfList: "void *LinkedList_getNext(void *element)",
  elementOfList: "void *LinkedList_getData(void *element)",
  textOfList: "const char *LinkedList_getData(void *element)",
  deleteList: "void LinkedList_destroy(void *list)",
  deleteListOnly: "void LinkedList_destroyStatic(void *list)",
  deleteMember: "void MmsVariableAccessSpecification_destroy(void *member)",
  typeKind: "int MmsVariableSpecification_getType(void *type)",
  typeName: "const char *MmsVariableSpecification_getName(void *type)",
  typeSize: "int MmsVariableSpecification_getSize(void *type)",
  typeExponent: "int MmsVariableSpecification_getExponentWidth(void *type)",
  typeChild: "void *MmsVariableSpecification_getChildSpecificationByIndex(void *type, int at)",
  typeElement: "void *MmsVariableSpecification_getArrayElementSpecification(void *type)",
  deleteType: "void MmsVariableSpecification_destroy(void *type)",
} as const;

/** What the library calls; both on a thread of its own, which waits until we are done. */
export const CALLBACKS = {
  informed: "void Informed(void *p, const char *domain, const char *item, void *v, bool isList)",
  lost: "void Lost(void *c, void *p)",
} as const;

export type WaitingName = keyof typeof WAITING;
export type AtOnceName = keyof typeof AT_ONCE;

/** The name of the function in a declaration. */
export function functionName(declaration: string): string {
  return /(\w+)\(/.exec(declaration)?.[1] ?? declaration;
}
