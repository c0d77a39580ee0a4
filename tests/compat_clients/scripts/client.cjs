// A customer's program on @green-api/whatsapp-api-client: every method it has, its push receiver and its loop.
'use strict'

const fs = require('fs')
const http = require('http')
const FormDataOfNpm = require('form-data')
const { restAPI, webhookAPI } = require('@green-api/whatsapp-api-client')

const given = JSON.parse(process.argv[2])
const FRIEND = '79990000001@c.us'
const OTHER = '79990000002@c.us'
const THIRD = '79990000003@c.us'

// One JSON line each way; the test answers when it has taken note.
function say (line) {
  fs.writeSync(1, JSON.stringify(line) + '\n')
  const letter = Buffer.alloc(1)
  let answer = ''
  for (;;) {
    let count
    try {
      count = fs.readSync(0, letter, 0, 1)
    } catch (error) {
      if (error.code === 'EAGAIN') continue
      throw error
    }
    if (count === 0) process.exit(3)
    if (letter[0] === 10) return JSON.parse(answer)
    answer += letter.toString('latin1')
  }
}

const cue = (name, needs = {}) => say({ cue: name, ...needs })

let sent = 0 // messages that were taken

async function step (name, call) {
  let result
  try {
    result = await call()
  } catch (error) {
    say({ step: name, raised: error.response ? `HTTP ${error.response.status}` : error.message })
    return {}
  }
  if (result && (/\.send/.test(name) ? result.idMessage : result.messages)) sent++
  say({ step: name, returned: Array.isArray(result) ? 'array' : typeof result })
  return result === null || result === undefined ? {} : result
}

function offered (api) {
  const names = []
  for (const part of ['message', 'file', 'instance', 'settings', 'group', 'webhookService']) {
    for (const name of Object.getOwnPropertyNames(Object.getPrototypeOf(api[part]))) {
      if (name !== 'constructor' && !/^(add\w+Param|onReceiving\w+)$/.test(name)) names.push(`${part}.${name}`)
    }
  }
  return names
}

async function account (api) {
  await step('instance.getStateInstance', () => api.instance.getStateInstance())
  await step('settings.setSettings', () => api.settings.setSettings({
    webhookUrl: '', webhookUrlToken: '', incomingWebhook: 'yes', outgoingWebhook: 'no', outgoingMessageWebhook: 'no',
    outgoingAPIMessageWebhook: 'yes', pollMessageWebhook: 'yes', stateWebhook: 'no', deviceWebhook: 'no', markIncomingMessagesReaded: 'no'
  }))
  cue('settled')
  await step('settings.getSettings', () => api.settings.getSettings())
  await step('settings.getWaSettings', () => api.settings.getWaSettings())
  await step('instance.getDeviceInfo', () => api.instance.getDeviceInfo())
}

async function sending (api) {
  const message = api.message
  const text = await step('message.sendMessage', () => message.sendMessage(FRIEND, null, 'Good morning ☀'))
  await step('message.sendMessage', () => message.sendMessage(null, 79990000002, 'By number', text.idMessage, false))
  await step('message.sendMessage', () => message.sendMessage('nobody', null, 'To nobody'))
  await step('message.sendPoll', () => message.sendPoll(FRIEND, null, 'When?', [{ optionName: 'Monday' }, { optionName: 'Tuesday' }], true))
  await step('message.sendButtons', () => message.sendButtons(FRIEND, 'Old', 'Foot', [{ buttonId: '1', buttonText: 'Yes' }]))
  await step('message.sendTemplateButtons', () => message.sendTemplateButtons(FRIEND, 'Old', 'Foot', [{ index: 1, quickReplyButton: { displayText: 'Yes', id: '1' } }]))
  await step('message.sendListMessage', () => message.sendListMessage(FRIEND, 'Old', 'Open', 'Title', 'Foot', [{ title: 'One', rows: [{ title: 'First', rowId: '1' }] }]))
  await step('message.sendLocation', () => message.sendLocation(FRIEND, null, 'Here', 'Some street 1', 52.52, 13.405))
  await step('message.sendContact', () => message.sendContact(FRIEND, null, { phoneContact: 79990000002, firstName: 'Ann' }))
  await step('message.sendLink', () => message.sendLink(FRIEND, null, 'https://example.com'))
  await step('message.forwardMessages', () => message.forwardMessages(OTHER, FRIEND, [text.idMessage]))
  await files(api)
  cue('flowed')
  await step('message.lastOutgoingMessages', () => message.lastOutgoingMessages())
  await step('message.getChatHistory', () => message.getChatHistory(FRIEND, 3))
  await step('message.getMessage', () => message.getMessage(FRIEND, text.idMessage))
  await step('instance.editMessage', () => api.instance.editMessage(FRIEND, text.idMessage, 'Good evening'))
  await step('instance.deleteMessage', () => api.instance.deleteMessage(FRIEND, text.idMessage))
}

async function files (api) {
  const uploaded = await step('file.uploadFile', () => api.file.uploadFile(given.files.picture))
  await step('file.sendFileByUrl', () => api.file.sendFileByUrl(FRIEND, null, uploaded.urlFile, 'ours.jpg', 'As uploaded'))
  await step('file.sendFileByUrl', () => api.file.sendFileByUrl(FRIEND, null, `${given.shop}/pixel.jpg`, 'logo.jpg'))
  await step('file.sendFileByUrl', () => api.file.sendFileByUrl(null, 79990000002, `${given.shop}/pixel.jpg`, 'logo.jpg'))
  const form = new FormDataOfNpm()
  form.append('chatId', FRIEND)
  form.append('caption', 'Terms – please read')
  form.append('file', fs.readFileSync(given.files.document), 'terms.pdf')
  const sent = await step('file.sendFileByUpload', () => api.file.sendFileByUpload(form))
  const native = new FormData() // what Node brings has no getHeaders, which the client calls
  native.append('chatId', FRIEND)
  await step('file.sendFileByUpload', () => api.file.sendFileByUpload(native))
  cue('flowed')
  const link = await step('file.downloadFile', () => api.file.downloadFile(FRIEND, sent.idMessage))
  cue('fetched', { link: link.downloadUrl, file: 'document' })
  cue('fetched', { link: uploaded.urlFile, file: 'picture' })
}

async function chats (api) {
  const instance = api.instance
  await step('instance.checkWhatsapp', () => instance.checkWhatsapp(79990000001))
  await step('instance.getAvatar', () => instance.getAvatar(FRIEND, null))
  await step('instance.getAvatar', () => instance.getAvatar(null, 79990000001))
  await step('instance.getContactInfo', () => instance.getContactInfo(FRIEND))
  await step('instance.getContacts', () => instance.getContacts())
  await step('instance.getChats', () => instance.getChats())
  await step('message.readChat', () => api.message.readChat(FRIEND, null))
  await step('settings.setSettings', () => api.settings.setSettings({ outgoingAPIMessageWebhook: 'no' }))
  cue('settled')
  cue('arrived', { waiting: sent })
}

async function groups (api) {
  const group = api.group
  const made = await step('group.createGroup', () => group.createGroup('Family', [FRIEND, OTHER]))
  await step('group.updateGroupName', () => group.updateGroupName(made.chatId, 'Friends'))
  await step('group.addGroupParticipant', () => group.addGroupParticipant(made.chatId, null, 79990000003))
  await step('group.setGroupAdmin', () => group.setGroupAdmin(made.chatId, THIRD))
  await step('group.removeAdmin', () => group.removeAdmin(made.chatId, THIRD))
  await step('group.removeGroupParticipant', () => group.removeGroupParticipant(made.chatId, THIRD))
  await step('group.setGroupPicture', () => group.setGroupPicture(made.chatId, given.files.picture))
  await step('group.getGroupData', () => group.getGroupData(made.chatId))
  await step('group.leaveGroup', () => group.leaveGroup(made.chatId))
}

// The client's receiver takes anything that has `post`, as Express has; here a bare server of Node.
function receiver () {
  const routes = new Map()
  const server = http.createServer((request, response) => {
    const pieces = []
    request.on('data', piece => pieces.push(piece))
    request.on('end', () => {
      const body = JSON.parse(Buffer.concat(pieces))
      const told = { body, authorization: request.headers.authorization }
      routes.get(request.url)(told, { send: () => response.end() }, error => { throw error })
    })
  })
  return { server, post: (path, handler) => routes.set(path, handler) }
}

async function pushed (api) {
  const app = receiver()
  await new Promise(resolve => app.server.listen(0, '127.0.0.1', resolve))
  const log = console.log
  console.log = () => {}
  const hook = webhookAPI(app, '/hook')
  await step('settings.setSettings', () => api.settings.setSettings({
    webhookUrl: `http://127.0.0.1:${app.server.address().port}/hook`, webhookUrlToken: 'Bearer of-the-customer'
  }))
  cue('settled')
  const heard = []
  let enough = () => {}
  const keep = name => (...told) => {
    heard.push({ heard: name, body: told[0], more: told.slice(1) })
    if (heard.length === 5) enough()
  }
  hook.onIncomingMessageText(keep('onIncomingMessageText'))
  hook.onIncomingMessageFile(keep('onIncomingMessageFile'))
  hook.onIncomingMessageLocation(keep('onIncomingMessageLocation'))
  hook.onIncomingMessageContact(keep('onIncomingMessageContact'))
  hook.onIncomingMessageExtendedText(keep('onIncomingMessageExtendedText'))
  hook.onOutgoingMessageStatus(keep('onOutgoingMessageStatus'))
  hook.onStateInstance(keep('onStateInstance'))
  hook.onDeviceInfo(keep('onDeviceInfo'))
  const all = new Promise(resolve => { enough = resolve })
  cue('incoming_kinds', { kinds: ['text', 'picture', 'location', 'contact', 'link'] })
  await all
  heard.forEach(say)
  await step('webhookService.receiveNotification', () => api.webhookService.receiveNotification())
  await step('settings.setSettings', () => api.settings.setSettings({ webhookUrl: '', webhookUrlToken: '' }))
  cue('settled')
  app.server.close()
  app.server.closeAllConnections()
  console.log = log
}

async function pulled (api) {
  const service = api.webhookService
  cue('incoming', { text: 'Anyone there?', waiting: 1 })
  const notice = await step('webhookService.receiveNotification', () => service.receiveNotification())
  await step('instance.archiveChat', () => api.instance.archiveChat(FRIEND))
  await step('instance.unarchiveChat', () => api.instance.unarchiveChat(FRIEND))
  await step('message.readChat', () => api.message.readChat(FRIEND, null, notice.body && notice.body.idMessage))
  await step('webhookService.deleteNotification', () => service.deleteNotification(notice.receiptId))
  await step('message.lastIncomingMessages', () => api.message.lastIncomingMessages())
}

async function queued (api) {
  await step('settings.setSettings', () => api.settings.setSettings({ delaySendMessagesMilliseconds: 600000 }))
  cue('held')
  await step('message.sendMessage', () => api.message.sendMessage(FRIEND, null, 'Waits'))
  await step('message.showMessagesQueue', () => api.message.showMessagesQueue())
  await step('message.clearMessagesQueue', () => api.message.clearMessagesQueue())
}

async function looped (api) {
  const service = api.webhookService
  const kinds = ['text', 'picture', 'video', 'document', 'audio', 'link', 'contact', 'location']
  let count = 0
  for (const name of Object.keys(service.callbackTypes)) {
    service[name](body => {
      say({ step: `webhookService.${name}`, body })
      if (++count === kinds.length) step('webhookService.stopReceivingNotifications', () => service.stopReceivingNotifications())
    })
  }
  cue('incoming_kinds', { kinds, waiting: kinds.length })
  await step('webhookService.startReceivingNotifications', () => service.startReceivingNotifications())
  await new Promise(resolve => { // the loop ends after one more empty poll, a second after the next
    const look = setInterval(() => {
      if (count === kinds.length) { clearInterval(look); resolve() }
    }, 20)
  })
}

async function leaving (api) {
  await step('instance.reboot', () => api.instance.reboot())
  cue('settled')
  await step('instance.logout', () => api.instance.logout())
  cue('unlinked')
  await step('instance.qr', () => api.instance.qr())
  await step('instance.getAuthorizationCode', () => api.instance.getAuthorizationCode(79990009999))
  cue('scanned')
}

async function main () {
  await step('restAPI', async () => restAPI({ idInstance: Number(given.id), apiTokenInstance: given.token }))
  const api = restAPI({ idInstance: given.id, apiTokenInstance: given.token, host: given.host, media: given.host })
  await account(api)
  await sending(api)
  await chats(api)
  await groups(api)
  await pushed(api)
  await pulled(api)
  await queued(api)
  await leaving(api)
  await looped(api)
  say({ offered: offered(api) })
}

main().catch(error => { console.error(error); process.exit(1) })
